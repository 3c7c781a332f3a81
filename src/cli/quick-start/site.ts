// A site for trying out: what is written where there is no configuration yet. Phones on this network reach it over TLS; the
// embedded PBX answers.
import type { EpochMillis } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { formatSocketAddress } from '../../core/socket-address.ts';
import { generatePassword } from '../../policy/password-policy.ts';
import type { HostNames } from '../command.ts';
import { developmentCertificates } from '../pki/development-certificates.ts';

export interface NewFile {
  /** Relative to the folder of the configuration, with `/`. */
  readonly path: string;
  readonly content: string;
  /** Its owner's alone. */
  readonly isSecret: boolean;
}

export interface NewSite {
  /** In the order in which they are written: what is there last makes it a site. */
  readonly files: readonly NewFile[];
  readonly users: readonly { readonly name: string; readonly password: string }[];
  readonly certificateExpires: EpochMillis;
}

export const siteDomain = 'pbx.test';
export const authorityFile = 'certs/dev-ca.crt';
const certificateFile = 'certs/dev-server.crt';
const keyFile = 'certs/dev-server.key';
const configFile = 'portcullis.toml';
const phonePort = 5061;
const insidePort = 5080;

export function newSite(host: HostNames, now: EpochMillis, random: Random): NewSite {
  const address = host.addresses[0] ?? loopback;
  const users = ['alice', 'bob'].map((name) => ({ name, password: generatePassword(name, random) }));
  const dnsNames = [...new Set(['localhost', siteDomain, ...(isDnsName(host.name) ? [host.name] : [])])];
  const addresses = [...new Set([address, ...host.addresses, loopback, '::1'])];
  const made = developmentCertificates({ dnsNames, addresses }, now, random);
  return {
    files: [
      { path: authorityFile, content: made.authority, isSecret: false },
      { path: certificateFile, content: made.certificate, isSecret: false },
      { path: keyFile, content: made.key, isSecret: true },
      { path: configFile, content: configuration(address, users), isSecret: true },
    ],
    users,
    certificateExpires: made.notAfter,
  };
}

const loopback = '127.0.0.1';

function isDnsName(name: string): boolean {
  return name.length <= 253 && /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(name);
}

/** Every value stands in JSON's quotes, which are TOML's basic strings too. */
function configuration(address: string, users: NewSite['users']): string {
  const quoted = JSON.stringify;
  const anyAddress = address.includes(':') ? '::' : '0.0.0.0';
  const bound = formatSocketAddress({ address: address === loopback ? loopback : anyAddress, port: phonePort });
  const userTables = users.map(({ name, password }) => {
    return `[[user]]\nname = ${quoted(name)}\npassword = ${quoted(password)}\n`;
  });
  return `# A site for trying out: phones on this network, and a test PBX inside this process. It is no model for production.
# "portcullis check" names every mistake in this file.

[sbc]
name = "try-out"
state_dir = "var"

[[domain]]
name = ${quoted(siteDomain)}

[[network]]                        # where phones are
name = "outside"
media = [{ address = ${quoted(address)} }]
encryption = "required"
allow_loopback_media = true        # phones on this machine; false where there are none

[[network]]                        # where the PBX is
name = "inside"
media = [{ address = ${quoted(loopback)} }]
encryption = "off"
allow_loopback_media = true

[[listener]]
name = "phones"
network = "outside"
transport = "tls"
address = ${quoted(bound)}
advertise = ${quoted(formatSocketAddress({ address, port: phonePort }))}
certificate = ${quoted(certificateFile)}
key = ${quoted(keyFile)}

[[listener]]
name = "to-pbx"
network = "inside"
transport = "udp"
address = ${quoted(formatSocketAddress({ address: loopback, port: insidePort }))}

[[pbx]]
name = "test-pbx"
listener = "to-pbx"
embedded = true                    # 600 echoes, 601 plays a tone, names are called

${userTables.join('\n')}
[admin]
socket = "var/admin.sock"
# address = "127.0.0.1:8080"       # /healthz /readyz /metrics
`;
}
