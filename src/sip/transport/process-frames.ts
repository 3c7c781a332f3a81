// What processes of one machine say to each other, on a stream: a head in JSON and the bytes of a message, each with its length before it.
// They are of one program, but one may be newer: what is not understood is passed over.
import { err, ok, type Result } from '../../core/result.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { SharedTicketKeys } from './ticket-keys.ts';
import type { Flow } from './transport.ts';

/** A flow by the name that its process had for it in that run. */
export interface FlowName {
  readonly process: number;
  readonly run: string;
  readonly flow: string;
}

export type ProcessFrame =
  /** The first. */
  | { readonly type: 'hello'; readonly process: number; readonly run: string }
  /** It came over that flow of the sender, and is for the receiver. With its bytes. */
  | { readonly type: 'message'; readonly flow: Flow }
  /** To be sent over that flow of the receiver. `serves`: its peer is worth a connection. With the bytes. */
  | { readonly type: 'send'; readonly flow: string; readonly serves: boolean }
  /** The sender has a use for that flow of the receiver. */
  | { readonly type: 'watch'; readonly flow: string }
  /** What the sender's TLS session tickets are sealed with. */
  | ({ readonly type: 'tickets' } & SharedTicketKeys)
  /** That flow of the sender is gone. */
  | { readonly type: 'closed'; readonly flow: string }
  /** A phone has registered over that flow of the sender, anew; over that one before, where that is known. */
  | {
      readonly type: 'came';
      readonly flow: Flow;
      readonly aor: string;
      readonly key: string;
      readonly before: FlowName | undefined;
    };

export const noBytes = new Uint8Array(0);

const lengthBytes = 4;
const maxHeadBytes = 65_536;
/** More than any message of SIP may have. */
const maxBodyBytes = 1_048_576;

/** Undefined for one that is longer than its reader takes: a certificate may have any number of names. */
export function encodeFrame(frame: ProcessFrame, body: Uint8Array): Uint8Array | undefined {
  const head = Buffer.from(JSON.stringify(frame));
  if (head.length > maxHeadBytes || body.length > maxBodyBytes) return undefined;
  const lengths = Buffer.alloc(2 * lengthBytes);
  lengths.writeUInt32BE(head.length, 0);
  lengths.writeUInt32BE(body.length, lengthBytes);
  return Buffer.concat([lengths, head, body]);
}

export interface ReadFrame {
  /** Undefined: it is not understood here. */
  readonly frame: ProcessFrame | undefined;
  readonly body: Uint8Array;
}

export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** What is whole by now; an error where the stream cannot be followed any further. */
  push(chunk: Uint8Array): Result<readonly ReadFrame[], string> {
    let rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    const frames: ReadFrame[] = [];
    while (rest.length >= 2 * lengthBytes) {
      const headBytes = rest.readUInt32BE(0);
      const bodyBytes = rest.readUInt32BE(lengthBytes);
      if (headBytes > maxHeadBytes || bodyBytes > maxBodyBytes) return err('a frame is too long');
      const start = 2 * lengthBytes;
      const end = start + headBytes + bodyBytes;
      if (rest.length < end) break;
      const head = parse(rest.toString('utf8', start, start + headBytes));
      frames.push({ frame: readFrame(head), body: rest.subarray(start + headBytes, end) });
      rest = rest.subarray(end);
    }
    this.#rest = rest;
    return ok(frames);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // As one that is not known.
    return undefined;
  }
}

function readFrame(value: unknown): ProcessFrame | undefined {
  const fields = fieldsOf(value);
  const { type, process, run, flow, serves, aor, key, before, generation, born, keys } = fields;
  if (type === 'hello')
    return typeof process === 'number' && typeof run === 'string' ? { type, process, run } : undefined;
  if (type === 'tickets') {
    const isTimed = typeof generation === 'number' && typeof born === 'number';
    return isTimed && typeof keys === 'string' ? { type, generation, born, keys } : undefined;
  }
  if (type === 'message' || type === 'came') {
    const read = readFlow(flow);
    if (read === undefined) return undefined;
    if (type === 'message') return { type, flow: read };
    const isNamed = typeof aor === 'string' && typeof key === 'string';
    return isNamed ? { type, flow: read, aor, key, before: readFlowName(before) } : undefined;
  }
  if (typeof flow !== 'string') return undefined;
  if (type === 'send') return { type, flow, serves: serves === true };
  return type === 'watch' || type === 'closed' ? { type, flow } : undefined;
}

function readFlowName(value: unknown): FlowName | undefined {
  const { process, run, flow } = fieldsOf(value);
  const isRead = typeof process === 'number' && typeof run === 'string' && typeof flow === 'string';
  return isRead ? { process, run, flow } : undefined;
}

function readFlow(value: unknown): Flow | undefined {
  const { id, listener, network, transport, reliable, secure, local, remote, peerNames } = fieldsOf(value);
  const [here, there] = [readAddress(local), readAddress(remote)];
  if (typeof id !== 'string' || typeof listener !== 'string' || typeof network !== 'string') return undefined;
  if (transport !== 'udp' && transport !== 'tcp' && transport !== 'tls') return undefined;
  if (here === undefined || there === undefined || !areTexts(peerNames)) return undefined;
  const place = { id, listener, network, local: here, remote: there, peerNames };
  return { ...place, transport, reliable: reliable === true, secure: secure === true };
}

function readAddress(value: unknown): SocketAddress | undefined {
  const { address, port } = fieldsOf(value);
  return typeof address === 'string' && typeof port === 'number' ? { address, port } : undefined;
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one: unknown) => typeof one === 'string');
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
