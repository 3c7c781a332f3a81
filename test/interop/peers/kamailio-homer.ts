// What Homer takes HEP with: the sipcapture module of Kamailio, which decodes packets by code of its own, and writes each message that was
// in one into a table. Here that is a text file.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startKamailio } from './kamailio.ts';
import type { Host, Lab } from './lab.ts';
import type { PeerProcess } from './peer-process.ts';

export const HEP_PORT = 9060;

/** One message as the module understood its packet. */
export interface HomerRow {
  /** Seconds of the epoch. */
  readonly date: number;
  readonly callid: string;
  readonly cseq: string;
  readonly source: string;
  readonly destination: string;
  readonly correlation: string;
  /** 1 UDP, 2 TCP, as Kamailio numbers them. */
  readonly proto: number;
  /** `NAME:ID`, the name Kamailio's own, the id that of the capturing agent. */
  readonly node: string;
  readonly message: string;
}

export class KamailioHomer {
  readonly process: PeerProcess;
  readonly #table: string;

  private constructor(process: PeerProcess, table: string) {
    this.process = process;
    this.#table = table;
  }

  static async start(lab: Lab, host: Host): Promise<KamailioHomer> {
    const name = 'homer';
    const directory = lab.directory(name);
    const address = host.inside;
    const process = await startKamailio(lab, {
      name,
      host,
      files: {
        'kamailio.cfg': configuration(address, directory),
        version: 'table_name(string) table_version(int)\n',
        [table]: `${columns.map((column) => `${column}(${typeOf(column)},null)`).join(' ')}\n`,
      },
      // With HEP on, it takes nothing else.
      ready: { address, port: HEP_PORT, logs: /hep_msg_received: not supported version/ },
    });
    return new KamailioHomer(process, join(directory, table));
  }

  /** Ends it, whereupon it writes its table, and answers what is in that, the oldest first. */
  async stop(): Promise<readonly HomerRow[]> {
    await this.process.stop();
    return readFileSync(this.#table, 'utf8')
      .split('\n')
      .slice(1)
      .filter((line) => line !== '')
      .map(rowOf)
      .toReversed();
  }
}

const table = 'sip_capture';
const columns = [
  ...['date', 'micro_ts', 'method', 'reply_reason', 'ruri', 'ruri_user', 'ruri_domain', 'from_user', 'from_domain'],
  ...['from_tag', 'to_user', 'to_domain', 'to_tag', 'pid_user', 'contact_user', 'auth_user', 'callid', 'callid_aleg'],
  ...['via_1', 'via_1_branch', 'cseq', 'diversion', 'diversion_user', 'reason', 'content_type', 'auth', 'user_agent'],
  ...['source_ip', 'source_port', 'destination_ip', 'destination_port', 'contact_ip', 'contact_port'],
  ...['originator_ip', 'originator_port', 'correlation_id', 'custom_field1', 'custom_field2', 'custom_field3'],
  ...['proto', 'family', 'rtp_stat', 'type', 'node', 'msg'],
] as const;
const whole: readonly string[] = ['date', 'proto', 'family', 'type'];

function typeOf(column: (typeof columns)[number]): 'int' | 'double' | 'string' {
  // db_text has no type for the module's 64 bits, and writes nought into this one.
  if (column === 'micro_ts') return 'double';
  return whole.includes(column) || column.endsWith('_port') ? 'int' : 'string';
}

/** Fields are parted by colons; one within a field has a backslash before it, and so have line ends. */
function rowOf(line: string): HomerRow {
  const values = Array.from(line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g), ([, value = '']) => unescaped(value));
  const of = (column: (typeof columns)[number]): string => values[columns.indexOf(column)] ?? '';
  return {
    date: Number(of('date')),
    callid: of('callid'),
    cseq: of('cseq'),
    source: `${of('source_ip')}:${of('source_port')}`,
    destination: `${of('destination_ip')}:${of('destination_port')}`,
    correlation: of('correlation_id'),
    proto: Number(of('proto')),
    node: of('node'),
    message: of('msg'),
  };
}

function unescaped(value: string): string {
  return value.replaceAll(/\\(.)/g, (_, letter: string) => ({ n: '\n', r: '\r', t: '\t' })[letter] ?? letter);
}

function configuration(address: string, directory: string): string {
  const modules = ['db_text', 'sipcapture'];
  return `#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
auto_aliases=no
dns=no
rev_dns=no
disable_tcp=yes
listen=udp:${address}:${HEP_PORT}
${modules.map((module) => `loadmodule "${module}.so"`).join('\n')}
modparam("db_text", "db_mode", 1)
modparam("sipcapture", "db_url", "text://${directory}")
modparam("sipcapture", "table_name", "${table}")
modparam("sipcapture", "capture_on", 1)
modparam("sipcapture", "hep_capture_on", 1)
modparam("sipcapture", "insert_retries", 1)
modparam("sipcapture", "insert_retry_timeout", 1)

request_route {
  sip_capture();
  drop;
}

onreply_route {
  sip_capture();
  drop;
}
`;
}
