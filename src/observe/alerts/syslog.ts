// Alerts to a syslog server (RFC 5424), over UDP (RFC 5426) or TCP with octet counting (RFC 6587 §3.4.1).
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { AlertReceiver } from './alert-delivery.ts';
import type { SpooledNotice } from './alert-spool.ts';
import type { Severity } from './notice.ts';

const timeout = 10_000;
/** Facility 10: security and authorization (§6.2.1). */
const facility = 10;
const severities: Readonly<Record<Severity, number>> = { critical: 2, warning: 4, info: 6 };
/** What every receiver over UDP must take (RFC 5426 §3.2). */
const longestDatagram = 2_048;

export interface SyslogOptions {
  readonly name: string;
  readonly address: SocketAddress;
  readonly transport: 'udp' | 'tcp';
}

export class Syslog implements AlertReceiver {
  readonly name: string;
  readonly #options: SyslogOptions;

  constructor(options: SyslogOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Rejects when it could not be sent; over UDP nobody says whether it arrived. */
  deliver(notice: SpooledNotice): Promise<void> {
    const { address, transport } = this.#options;
    const line = Buffer.from(syslogLine(notice));
    return transport === 'udp' ? sendDatagram(address, line.subarray(0, longestDatagram)) : sendStream(address, line);
  }
}

/** Header fields hold printable ASCII without blanks only (§6). */
export function syslogLine({ severity, lastAt, node, id, kind, text, count }: SpooledNotice): string {
  const priority = facility * 8 + severities[severity];
  const time = new Date(lastAt).toISOString();
  const host = node.replaceAll(/[^!-~]/g, '_').slice(0, 255) || '-';
  const times = count > 1 ? ` (${count} times)` : '';
  return `<${priority}>1 ${time} ${host} portcullis ${process.pid} ${kind} [alert@32473 id="${id}"] ${text}${times}`;
}

function sendDatagram({ address, port }: SocketAddress, line: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.send(line, port, address, (error) => {
      socket.close();
      if (error === null) resolve();
      else reject(error);
    });
  });
}

function sendStream({ address, port }: SocketAddress, line: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, timeout });
    socket.once('timeout', () => socket.destroy(new Error(`no answer within ${timeout} ms`)));
    socket.once('error', reject);
    socket.once('close', () => resolve());
    socket.end(Buffer.concat([Buffer.from(`${line.length} `), line]));
  });
}
