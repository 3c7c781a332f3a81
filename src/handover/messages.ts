// What the two processes of an upgrade say to each other. One of them may be another version: each message carries the version of
// this protocol, and the first one what documents its sender writes. Whoever does not understand says so, and the old one goes on.
import type { SocketAddress } from '../core/socket-address.ts';

export const handoverVersion = 1;

/** The versions of what one process writes down and the other reads. */
export interface Formats {
  readonly call: number;
  readonly media: number;
}

export interface PassedListener extends SocketAddress {
  readonly name: string;
}

/** From the process that serves, in this order. */
export type FromPredecessor =
  | {
      readonly type: 'offer';
      /** For the log. */
      readonly program: string;
      readonly formats: Formats;
      readonly firstLedger: number;
      /** It can pass open sockets. */
      readonly passesSockets: boolean;
    }
  /** Its calls are kept as they are now. Sockets of listeners were passed, in this order; the others are free to be bound. */
  | {
      readonly type: 'frozen';
      readonly listeners: readonly PassedListener[];
      /** Who is signed in to the dashboard; whoever cannot read it signs operators out. */
      readonly signedIn?: unknown;
    }
  /** Its media workers have ended. */
  | { readonly type: 'released'; readonly sockets: number; readonly ledgers: readonly number[] };

/** From the one that takes its place, in this order. */
export type FromSuccessor =
  /** All is there but the calls. `socket`: where open sockets are taken, an address in the file system. */
  | { readonly type: 'prepared'; readonly program: string; readonly socket: string | undefined }
  /** The calls are there but for their media. */
  | { readonly type: 'loaded' }
  /** Instead of any of them. */
  | { readonly type: 'refused'; readonly reason: string };

/** Batches of descriptors. */
export const batches = { listeners: 1, media: 2 } as const;

export function wrapped(message: FromPredecessor | FromSuccessor): unknown {
  return { v: handoverVersion, ...message };
}

/** A message, or why it is none. */
export function readFromPredecessor(value: unknown): FromPredecessor | string {
  const fields = fieldsOf(value);
  if (typeof fields === 'string') return fields;
  const { type, program, formats, firstLedger, passesSockets, listeners, signedIn, sockets, ledgers } = fields;
  if (type === 'offer' && typeof program === 'string' && isFormats(formats) && typeof firstLedger === 'number') {
    return { type, program, formats, firstLedger, passesSockets: passesSockets === true };
  }
  if (type === 'frozen' && areListeners(listeners)) return { type, listeners, signedIn };
  if (type === 'released' && typeof sockets === 'number' && isNumbers(ledgers)) return { type, sockets, ledgers };
  return `"${String(type)}" is not understood`;
}

/** A message, or why it is none. */
export function readFromSuccessor(value: unknown): FromSuccessor | string {
  const fields = fieldsOf(value);
  if (typeof fields === 'string') return fields;
  const { type, program, socket, reason } = fields;
  if (type === 'prepared' && typeof program === 'string') {
    return { type, program, socket: typeof socket === 'string' ? socket : undefined };
  }
  if (type === 'loaded') return { type };
  if (type === 'refused' && typeof reason === 'string') return { type, reason };
  return `"${String(type)}" is not understood`;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | string {
  if (typeof value !== 'object' || value === null) return 'what came is no message';
  const fields = Object.fromEntries(Object.entries(value));
  const { v } = fields;
  return v === handoverVersion ? fields : `it hands over by version ${String(v)}, this process by ${handoverVersion}`;
}

function isFormats(value: unknown): value is Formats {
  if (typeof value !== 'object' || value === null || !('call' in value) || !('media' in value)) return false;
  return typeof value.call === 'number' && typeof value.media === 'number';
}

function areListeners(value: unknown): value is readonly PassedListener[] {
  return Array.isArray(value) && value.every(isListener);
}

function isListener(value: unknown): value is PassedListener {
  if (typeof value !== 'object' || value === null) return false;
  if (!('name' in value) || !('address' in value) || !('port' in value)) return false;
  return typeof value.name === 'string' && typeof value.address === 'string' && typeof value.port === 'number';
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'number');
}
