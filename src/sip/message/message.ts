// A SIP message as the rest of the program sees it (RFC 3261 §7): immutable; an edit makes a new one.
import { Headers } from './headers.ts';
import { parseNameAddr } from './name-addr.ts';
import { reasonPhrase } from './status.ts';

export interface SipRequest {
  readonly kind: 'request';
  /** A token, case-sensitive. */
  readonly method: string;
  /** The Request-URI as it came; `parseUri` reads it. */
  readonly uri: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export interface SipResponse {
  readonly kind: 'response';
  /** 100 to 699. */
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export type SipMessage = SipRequest | SipResponse;

export const noBody: Uint8Array = new Uint8Array(0);

export interface ResponseOptions {
  readonly reason?: string | undefined;
  /** Put on To when it has no tag; a 100 may do without (RFC 3261 §8.2.6.2). */
  readonly toTag?: string | undefined;
  /** Fields more, after the copied ones. */
  readonly headers?: Headers | undefined;
  readonly body?: Uint8Array | undefined;
  readonly contentType?: string | undefined;
}

/**
 * A response with what RFC 3261 §8.2.6 copies from the request: Via, From, To, Call-ID, CSeq; Timestamp in a 100; and
 * Record-Route where the response makes a dialog (§12.1.1). A request without one of them yields a response without.
 */
export function responseTo(request: SipRequest, status: number, options: ResponseOptions = {}): SipResponse {
  const source = request.headers;
  const names: string[] = [];
  const values: string[] = [];
  const add = (name: string, value: string): void => {
    names.push(name);
    values.push(value);
  };
  const makesDialog = status > 100 && status < 300 && dialogForming.has(request.method);
  source.forEach((name, value) => {
    if (name === 'To') add(name, options.toTag === undefined ? value : withTag(value, options.toTag));
    else if (copied.has(name)) add(name, value);
    else if (name === 'Record-Route' && makesDialog) add(name, value);
    else if (name === 'Timestamp' && status === 100) add(name, value);
  });
  options.headers?.forEach(add);
  if (options.contentType !== undefined) add('Content-Type', options.contentType);
  return {
    kind: 'response',
    status,
    reason: options.reason ?? reasonPhrase(status),
    headers: Headers.of(...names.map((name, index): [string, string] => [name, values[index] ?? ''])),
    body: options.body ?? noBody,
  };
}

const copied: ReadonlySet<string> = new Set(['Via', 'From', 'Call-ID', 'CSeq']);
const dialogForming: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);

/** A To that cannot be read stays as it came: there is no saying where its parameters begin. */
function withTag(to: string, tag: string): string {
  const address = parseNameAddr(to);
  return !address.ok || address.value.parameters.has('tag') ? to : `${to};tag=${tag}`;
}
