// Certificates of every kind that a peer may show: with DNS names, URIs, addresses, or a common name alone. Keys on P-256,
// made anew for each test run; no tool is needed.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  bitString,
  boolean,
  contextConstructed,
  contextPrimitive,
  type Der,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
} from '../../src/core/der.ts';

export interface TestCertificate {
  /** Both PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface TestNames {
  readonly commonName?: string;
  readonly dns?: readonly string[];
  readonly uris?: readonly string[];
  /** IPv4. */
  readonly addresses?: readonly string[];
}

export class TestAuthority {
  /** PEM. */
  readonly certificate: string;
  readonly #name: string;
  readonly #privateKey: KeyObject;
  #issued = 1;

  constructor(name = 'test authority') {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#name = name;
    this.#privateKey = privateKey;
    this.certificate = this.#sign(name, publicKey, [
      extension('2.5.29.19', sequence(boolean(true))),
      extension('2.5.29.15', bitString(Uint8Array.of(0x06), 1)),
    ]);
  }

  /** A certificate for both ends of a connection, with a key of its own. */
  issue({ commonName = 'peer', dns = [], uris = [], addresses = [] }: TestNames): TestCertificate {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const encoder = new TextEncoder();
    const names = [
      ...dns.map((name) => contextPrimitive(2, encoder.encode(name))),
      ...uris.map((uri) => contextPrimitive(6, encoder.encode(uri))),
      ...addresses.map((address) => contextPrimitive(7, Uint8Array.from(address.split('.').map(Number)))),
    ];
    const extensions = names.length === 0 ? [] : [extension('2.5.29.17', sequence(...names))];
    const certificate = this.#sign(commonName, publicKey, extensions);
    return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }

  #sign(commonName: string, publicKey: KeyObject, extensions: readonly Der[]): string {
    this.#issued += 1;
    const now = Date.now();
    const body = sequence(
      contextConstructed(0, integer(Uint8Array.of(2))),
      integer(Uint8Array.of(this.#issued)),
      ecdsaWithSha256,
      nameOf(this.#name),
      sequence(time(now - day), time(now + day)),
      nameOf(commonName),
      publicKey.export({ type: 'spki', format: 'der' }),
      ...(extensions.length === 0 ? [] : [contextConstructed(3, sequence(...extensions))]),
    );
    const whole = sequence(body, ecdsaWithSha256, bitString(sign('sha256', body, this.#privateKey)));
    return `-----BEGIN CERTIFICATE-----\n${Buffer.from(whole).toString('base64')}\n-----END CERTIFICATE-----\n`;
  }
}

const day = 86_400_000;
const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));

function nameOf(commonName: string): Der {
  return sequence(setOf(sequence(objectIdentifier('2.5.4.3'), utf8String(commonName))));
}

function extension(id: string, value: Der): Der {
  return sequence(objectIdentifier(id), octetString(value));
}
