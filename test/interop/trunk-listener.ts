// The listener that carriers of a site meet: TLS outside, where each side must show a certificate of the lab's authority.
import type { CertificateAuthority } from './peers/certificates.ts';
import { Lab } from './peers/lab.ts';

export interface TrunkListener {
  /** `address:port`. */
  readonly address: string;
  readonly toml: string;
}

export async function trunkListener(authority: CertificateAuthority): Promise<TrunkListener> {
  const host = Lab.addressOf('outside', 1);
  const address = `${host}:5071`;
  const { certificate, key } = await authority.issue({ name: 'sbc.test', dns: ['sbc.test'], addresses: [host] });
  const text = JSON.stringify;
  return {
    address,
    toml: `
[[listener]]
name = "trunks"
network = "outside"
transport = "tls"
address = "${address}"
certificate = ${text(certificate)}
key = ${text(key)}
client_ca = ${text(authority.certificate)}
client_certificate = "required"
server_ca = ${text(authority.certificate)}
`,
  };
}
