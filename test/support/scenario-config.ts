// The site of the scenarios: phones on TLS and a trunk listener outside, one PBX inside, as a configuration says it.

import { readConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import type { WireListener } from './scenario-wire.ts';

export const passwords: Readonly<Record<string, string>> = {
  alice: 'wonderland-1',
  bob: 'builder-2',
  carol: 'choir-3',
};

/** Everything whose name or number must not be seen on the other side. */
export const insideMarks = ['10.0.0.', 'inside.test'];
export const outsideMarks = ['192.0.2.', '203.0.113.', '198.51.100.', 'sbc.example.com', 'carrier.example'];

export interface ConfigOptions {
  /** Replaces the [limits] table. */
  readonly limits?: string;
  /** More of [sbc]. */
  readonly sbc?: string;
  /** More tables. */
  readonly tables?: string;
  /** Replaces the routes. */
  readonly routes?: string;
  /** More keys of the trunk `carrier`. */
  readonly trunk?: string;
  /** More tables: trunks, groups. */
  readonly more?: string;
  /** More keys of the PBX. */
  readonly pbx?: string;
  /** More keys of the user alice. */
  readonly alice?: string;
}

const defaultRoutes = `
[[route]]
from = "user"
via = "pbx:main"
[[route]]
from = "trunk"
via = "pbx:main"
[[route]]
from = "pbx"
to = "+*"
via = "trunk:carrier"
[[route]]
from = "pbx"
via = "users"
`;

export function scenarioConfig({
  limits = '',
  sbc = '',
  tables = '',
  routes = defaultRoutes,
  trunk = '',
  pbx = '',
  alice = '',
  more = '',
}: ConfigOptions): Config {
  const source = `
[sbc]
name = "edge1"
${sbc}
[[domain]]
name = "pbx.test"
[[network]]
name = "outside"
media = [{ address = "192.0.2.1", advertise = "203.0.113.10" }]
encryption = "required"
[[network]]
name = "inside"
media = [{ address = "10.0.0.10" }]
encryption = "off"
[[listener]]
name = "phones"
network = "outside"
transport = "tls"
address = "192.0.2.1:5061"
advertise = "sbc.example.com:5061"
certificate = "edge.crt"
key = "edge.key"
[[listener]]
name = "carriers"
network = "outside"
transport = "tls"
address = "192.0.2.1:5062"
advertise = "sbc.example.com:5062"
certificate = "edge.crt"
key = "edge.key"
client_certificate = "optional"
client_ca = "clients.crt"
[[listener]]
name = "to-pbx"
network = "inside"
transport = "udp"
address = "10.0.0.10:5060"
[[pbx]]
name = "main"
listener = "to-pbx"
uri = "sip:10.0.0.5:5060"
accept_from = ["10.0.0.5", "10.0.0.6"]
${pbx}
[[trunk]]
name = "carrier"
listener = "carriers"
uri = "sips:sip.carrier.example"
accept_from = ["198.51.100.64/26"]
${trunk}
[[trunk]]
name = "certified"
listener = "carriers"
certificate_name = "sip.certified.example"
[limits]
${limits}
${tables}
[[user]]
name = "alice"
password = "${passwords['alice']}"
${alice}
[[user]]
name = "bob"
password = "${passwords['bob']}"
[[user]]
name = "carol"
password = "${passwords['carol']}"
${routes}
${more}
`;
  const config = readConfig(source, 'scenario.toml');
  if (!config.ok) throw new Error(config.error.map(({ key, message }) => `${key}: ${message}`).join('\n'));
  return config.value;
}

export const wireListeners: readonly WireListener[] = [
  {
    name: 'phones',
    network: 'outside',
    transport: 'tls',
    address: { address: '192.0.2.1', port: 5061 },
    advertise: { address: 'sbc.example.com', port: 5061 },
  },
  {
    name: 'carriers',
    network: 'outside',
    transport: 'tls',
    address: { address: '192.0.2.1', port: 5062 },
    advertise: { address: 'sbc.example.com', port: 5062 },
  },
  {
    name: 'datagrams',
    network: 'open',
    transport: 'udp',
    address: { address: '192.0.2.1', port: 5060 },
    advertise: { address: '192.0.2.1', port: 5060 },
  },
  {
    name: 'to-pbx',
    network: 'inside',
    transport: 'udp',
    address: { address: '10.0.0.10', port: 5060 },
    advertise: { address: '10.0.0.10', port: 5060 },
  },
];
