// The certificate of DTLS in the state directory, so that a restart keeps the fingerprint that SDP has shown. Its key is sealed, and
// bound to the certificate; what cannot be opened is made anew, since the certificate is worth only what its fingerprint is worth.
// RFC 5763 §3, RFC 8122 §6.
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { EpochMillis } from '../../core/clock.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { createDtlsIdentity, type DtlsIdentity, ownFingerprint } from '../../media/dtls/identity.ts';
import { isSealedWithOldKey, type KeyRing, open, seal } from '../../sip/auth/sealing.ts';

export interface IdentityParts {
  readonly keys: KeyRing;
  readonly random: Random;
  readonly now: EpochMillis;
  /** One that was kept could not be used, and another fingerprint is shown from now on. */
  readonly onReplaced: (reason: string) => void;
}

/** The identity in `file`, made on the first start. Throws SbcError `identity-unwritable`. */
export function loadDtlsIdentity(file: string, parts: IdentityParts): DtlsIdentity {
  try {
    if (existsSync(file)) {
      const text = readFileSync(file, 'utf8');
      const kept = read(text, parts);
      if (kept.ok) {
        if (isSealedWithOldKey(sealedKeyIn(text), parts.keys)) write(file, kept.value, parts);
        return kept.value;
      }
      parts.onReplaced(kept.error);
    }
    const made = createDtlsIdentity(parts.now, parts.random);
    write(file, made, parts);
    return made;
  } catch (thrown) {
    throw new SbcError('identity-unwritable', `${file}: ${messageOf(thrown)}`, { file }, thrown);
  }
}

/** Two lines: the certificate in base64, and its sealed key. */
function read(text: string, { keys, now }: IdentityParts): Result<DtlsIdentity, string> {
  const certificate = new Uint8Array(Buffer.from(text.split('\n')[0] ?? '', 'base64'));
  const validTo = endOf(certificate);
  if (validTo === undefined) return err('malformed');
  if (validTo - now < renewBefore) return err('its certificate ends soon');
  const privateKey = open(sealedKeyIn(text), ownerOf(certificate), keys);
  return privateKey.ok ? ok({ certificate, privateKey: privateKey.value }) : err(privateKey.error);
}

function write(file: string, identity: DtlsIdentity, { keys, random }: IdentityParts): void {
  const { certificate, privateKey } = identity;
  const sealed = seal(privateKey, ownerOf(certificate), keys, random);
  const draft = `${file}.new`;
  mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
  rmSync(draft, { force: true }); // of a start that was cut off; its mode could be another
  writeFileSync(draft, `${Buffer.from(certificate).toString('base64')}\n${sealed}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(draft, file);
}

function sealedKeyIn(text: string): string {
  return text.split('\n')[1] ?? '';
}

function ownerOf(certificate: Uint8Array): string {
  return `dtls ${ownFingerprint({ certificate, privateKey: new Uint8Array() }).value}`;
}

function endOf(certificate: Uint8Array): EpochMillis | undefined {
  try {
    return Date.parse(new X509Certificate(certificate).validTo);
  } catch {
    // Node has no other way to say that these bytes are no certificate.
    return undefined;
  }
}

/** A process may run for long with what it read at its start. */
const renewBefore = 365 * 86_400_000;
