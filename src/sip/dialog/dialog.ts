// One dialog (RFC 3261 §12): its identifiers, route set, remote target and sequence numbers. Pure: it makes requests and
// judges those that come; who sends them where is the user agent's affair.
import { err, ok, type Result } from '../../core/result.ts';
import { contacts, essentialsOf, recordRoutes } from '../message/header-fields.ts';
import { Headers } from '../message/headers.ts';
import { noBody, type SipMessage, type SipRequest, type SipResponse } from '../message/message.ts';
import type { NameAddr } from '../message/name-addr.ts';

/** A plain record; a dialog is made from it again by `new Dialog(state)`. */
export interface DialogState {
  readonly role: 'uac' | 'uas';
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** From and To as they go on the wire from us, without tags. */
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly remoteTarget: string;
  /** Name-addrs, the next hop first. Frozen once the dialog is confirmed (§12.2.1.1). */
  readonly routeSet: readonly string[];
  readonly localSequence: number;
  /** Of the highest request that came; undefined before the first. */
  readonly remoteSequence: number | undefined;
}

/** Record-Route entries that one message may bring. */
export const maxRouteSetSize = 16;

export interface DialogRequestOptions {
  readonly headers?: Headers;
  readonly contact?: string;
  readonly body?: { readonly contentType: string; readonly bytes: Uint8Array } | undefined;
}

export class Dialog {
  #state: DialogState;
  /** What each request of ours in this dialog carries beside its own headers. */
  carried: Headers = Headers.empty;

  constructor(state: DialogState) {
    this.#state = state;
  }

  get state(): DialogState {
    return this.#state;
  }

  get key(): string {
    return dialogKey(this.#state.callId, this.#state.localTag, this.#state.remoteTag);
  }

  /** Where the next request must go: the first route, else the remote target (§12.2.1.1). */
  get nextHop(): string {
    return this.#state.routeSet[0] ?? this.#state.remoteTarget;
  }

  /** A new request of ours in this dialog, without Via. Raises the sequence number; ACK is `ack`. */
  request(method: string, options: DialogRequestOptions = {}): SipRequest {
    this.#state = { ...this.#state, localSequence: this.#state.localSequence + 1 };
    return this.#compose(method, this.#state.localSequence, options);
  }

  /** The ACK of a 2xx to our INVITE of that sequence number (§13.2.2.4). */
  ack(sequence: number, options: DialogRequestOptions = {}): SipRequest {
    return this.#compose('ACK', sequence, options);
  }

  /** Takes the sequence number of a request that came; false when it is older than one before (§12.2.2). */
  accept(request: SipRequest): boolean {
    const { sequence } = essentialsOf(request).cseq;
    const { remoteSequence } = this.#state;
    if (request.method === 'ACK') return true;
    if (remoteSequence !== undefined && sequence <= remoteSequence) return false;
    this.#state = { ...this.#state, remoteSequence: sequence };
    return true;
  }

  /** A target refresh: the Contact of a re-INVITE or of its 2xx (§12.2). */
  refreshTarget(message: SipMessage): void {
    const target = contactOf(message);
    if (target !== undefined) this.#state = { ...this.#state, remoteTarget: target };
  }

  #compose(method: string, sequence: number, options: DialogRequestOptions): SipRequest {
    const { callId, localAddress, localTag, remoteAddress, remoteTag } = this.#state;
    const { uri, routes } = this.#routing();
    const own = options.headers?.get('Max-Forwards');
    const fields: [string, string][] = [
      ['Max-Forwards', own ?? '70'],
      ...routes.map((route): [string, string] => ['Route', route]),
      ['From', `${localAddress};tag=${localTag}`],
      ['To', remoteTag === '' ? remoteAddress : `${remoteAddress};tag=${remoteTag}`],
      ['Call-ID', callId],
      ['CSeq', `${sequence} ${method}`],
    ];
    if (options.contact !== undefined) fields.push(['Contact', options.contact]);
    for (const [name, value] of options.headers?.entries() ?? []) {
      if (name !== 'Max-Forwards') fields.push([name, value]);
    }
    for (const field of this.carried.entries()) fields.push([field[0], field[1]]);
    if (options.body !== undefined) fields.push(['Content-Type', options.body.contentType]);
    return { kind: 'request', method, uri, headers: Headers.of(...fields), body: options.body?.bytes ?? noBody };
  }

  /** A first route without `lr` is a strict router: it becomes the Request-URI, and the target the last route. */
  #routing(): { readonly uri: string; readonly routes: readonly string[] } {
    const { routeSet, remoteTarget } = this.#state;
    const [first, ...rest] = routeSet;
    if (first === undefined || isLooseRoute(first)) return { uri: remoteTarget, routes: routeSet };
    return { uri: uriOfRoute(first), routes: [...rest, `<${remoteTarget}>`] };
  }
}

export function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId}\n${localTag}\n${remoteTag}`;
}

/** The dialog that a request of a peer begins (§12.1.1). Errors are for the log; the request deserves a 400. */
export function uasDialog(request: SipRequest, localTag: string): Result<DialogState, string> {
  const { from, fromTag, to, callId, cseq } = essentialsOf(request);
  const remoteTarget = contactOf(request);
  if (remoteTarget === undefined) return err('expected one Contact, found none that can be used');
  const routeSet = routeSetOf(request);
  if (!routeSet.ok) return routeSet;
  return ok({
    role: 'uas',
    callId,
    localTag,
    remoteTag: fromTag ?? '',
    localAddress: addressText(to),
    remoteAddress: addressText(from),
    remoteTarget,
    routeSet: routeSet.value,
    localSequence: 0,
    remoteSequence: cseq.sequence,
  });
}

/** What an INVITE of ours gives to each dialog that it makes: it has no remote tag yet, and the Request-URI as its target. */
export function uacHalf(request: SipRequest, addresses: { readonly from: string; readonly to: string }): DialogState {
  const { callId, fromTag, cseq } = essentialsOf(request);
  return {
    role: 'uac',
    callId,
    localTag: fromTag ?? '',
    remoteTag: '',
    localAddress: addresses.from,
    remoteAddress: addresses.to,
    remoteTarget: request.uri,
    routeSet: [],
    localSequence: cseq.sequence,
    remoteSequence: undefined,
  };
}

/** The dialog that a response to our INVITE makes or confirms (§12.1.2). One without Contact keeps the Request-URI; it may have no tag. */
export function uacDialog(half: DialogState, response: SipResponse): Result<DialogState, string> {
  const routeSet = routeSetOf(response);
  if (!routeSet.ok) return routeSet;
  return ok({
    ...half,
    remoteTag: essentialsOf(response).toTag ?? '',
    remoteTarget: contactOf(response) ?? half.remoteTarget,
    routeSet: routeSet.value.toReversed(),
  });
}

/**
 * The dialog of a SUBSCRIBE of ours as the first NOTIFY or the 2xx makes it (RFC 6665 §4.4.1): `half` has no remote tag yet. The
 * sequence numbers of a NOTIFY are the peer's own.
 */
export function establishedDialog(half: DialogState, message: SipMessage): Result<DialogState, string> {
  const { fromTag, toTag } = essentialsOf(message);
  const remoteTag = message.kind === 'request' ? fromTag : toTag;
  const routeSet = routeSetOf(message);
  if (remoteTag === undefined || remoteTag === '') return err('expected a tag of the notifier, found none');
  if (!routeSet.ok) return routeSet;
  return ok({
    ...half,
    remoteTag,
    remoteTarget: contactOf(message) ?? half.remoteTarget,
    routeSet: message.kind === 'request' ? routeSet.value : routeSet.value.toReversed(),
  });
}

function contactOf(message: SipMessage): string | undefined {
  const parsed = contacts(message.headers);
  if (!parsed.ok || parsed.value === '*') return undefined;
  return parsed.value[0]?.uriText;
}

function routeSetOf(message: SipMessage): Result<readonly string[], string> {
  const parsed = recordRoutes(message.headers);
  if (!parsed.ok) return err(parsed.error.detail);
  if (parsed.value.length > maxRouteSetSize)
    return err(`${parsed.value.length} Record-Routes exceed ${maxRouteSetSize}`);
  return ok(parsed.value.map((route) => `<${route.uriText}>`));
}

/** From or To without its tag; other parameters of the header do not travel on. */
function addressText({ displayName, uriText }: NameAddr): string {
  if (displayName === undefined || displayName === '') return `<${uriText}>`;
  return `"${displayName.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}" <${uriText}>`;
}

function isLooseRoute(route: string): boolean {
  const uri = uriOfRoute(route).toLowerCase();
  const parameters = uri.split('?')[0]?.split(';').slice(1) ?? [];
  return parameters.some((parameter) => parameter === 'lr' || parameter.startsWith('lr='));
}

function uriOfRoute(route: string): string {
  return route.slice(1, -1);
}
