// A throw-away certificate authority for a lab: RSA or EC keys, DNS and IP names, made with the openssl of the private tree.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { runInTree } from './peer-process.ts';

export interface CertificateRequest {
  /** File name, and common name. */
  readonly name: string;
  readonly key?: 'rsa' | 'ec' | undefined;
  readonly dns?: readonly string[] | undefined;
  readonly addresses?: readonly string[] | undefined;
  readonly uris?: readonly string[] | undefined;
}

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  /** Certificate and key in one file, as baresip wants them. */
  readonly both: string;
}

export class CertificateAuthority {
  /** Path of the authority's certificate. */
  readonly certificate: string;
  readonly #lab: Lab;
  readonly #directory: string;

  private constructor(lab: Lab, directory: string) {
    this.#lab = lab;
    this.#directory = directory;
    this.certificate = join(directory, 'ca.crt');
  }

  /** An authority of its own for each `name`, so that one can play the stranger. */
  static async create(lab: Lab, name = 'pki'): Promise<CertificateAuthority> {
    const directory = lab.directory(name);
    const authority = new CertificateAuthority(lab, directory);
    writeFileSync(join(directory, 'openssl.cnf'), '[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=unused\n');
    await authority.#request('ca', 'rsa', `${name} test authority`, [
      'basicConstraints=critical,CA:TRUE',
      'keyUsage=critical,keyCertSign,cRLSign',
    ]);
    return authority;
  }

  async issue(request: CertificateRequest): Promise<Certificate> {
    const { name, key = 'rsa', dns = [], addresses = [], uris = [] } = request;
    const names = [
      ...dns.map((entry) => `DNS:${entry}`),
      ...addresses.map((entry) => `IP:${entry}`),
      ...uris.map((entry) => `URI:${entry}`),
    ];
    await this.#request(
      name,
      key,
      name,
      [
        'basicConstraints=CA:FALSE',
        'keyUsage=digitalSignature,keyEncipherment',
        'extendedKeyUsage=serverAuth,clientAuth',
        `subjectAltName=${names.length === 0 ? `DNS:${name}` : names.join(',')}`,
      ],
      ['-CA', this.certificate, '-CAkey', join(this.#directory, 'ca.key')],
    );
    const issued: Certificate = {
      certificate: join(this.#directory, `${name}.crt`),
      key: join(this.#directory, `${name}.key`),
      both: join(this.#directory, `${name}.pem`),
    };
    writeFileSync(issued.both, readFileSync(issued.certificate, 'utf8') + readFileSync(issued.key, 'utf8'));
    return issued;
  }

  async #request(
    file: string,
    key: 'rsa' | 'ec',
    commonName: string,
    extensions: readonly string[],
    signer: readonly string[] = [],
  ): Promise<void> {
    const newKey = key === 'rsa' ? ['rsa:2048'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    await runInTree(this.#lab, 'bookworm', [
      '/usr/bin/openssl',
      'req',
      '-x509',
      '-config',
      join(this.#directory, 'openssl.cnf'),
      '-newkey',
      ...newKey,
      '-nodes',
      '-sha256',
      '-days',
      '30',
      '-subj',
      `/CN=${commonName}`,
      '-keyout',
      join(this.#directory, `${file}.key`),
      '-out',
      join(this.#directory, `${file}.crt`),
      ...extensions.flatMap((extension) => ['-addext', extension]),
      ...signer,
    ]);
  }
}
