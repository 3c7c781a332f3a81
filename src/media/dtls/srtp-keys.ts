// Which SRTP keys come out of a DTLS handshake (RFC 5764 §4.1.2 and §4.2, RFC 7714 §14.2).
import { profileOf, type SrtpKeying } from '../srtp/profile.ts';
import type { DtlsRole, ExportedKeys } from './dtls-connection.ts';

export interface DtlsKeys {
  /** What the peer protects with. */
  readonly receive: SrtpKeying;
  readonly send: SrtpKeying;
}

/** Cuts the exported bytes into the keys of both directions, seen from `role`, and wipes them. */
export function srtpKeysOf({ suite, material }: ExportedKeys, role: DtlsRole): DtlsKeys {
  const { keyBytes, saltBytes } = profileOf(suite);
  const salts = 2 * keyBytes;
  const client: SrtpKeying = {
    suite,
    masterKey: material.slice(0, keyBytes),
    masterSalt: material.slice(salts, salts + saltBytes),
  };
  const server: SrtpKeying = {
    suite,
    masterKey: material.slice(keyBytes, salts),
    masterSalt: material.slice(salts + saltBytes, salts + 2 * saltBytes),
  };
  material.fill(0);
  return role === 'client' ? { receive: server, send: client } : { receive: client, send: server };
}
