// How a REGISTER is answered (RFC 3261 §10.3 step 8, RFC 5626 §6).
import type { EpochMillis } from '../core/clock.ts';
import { type Random, token } from '../core/random.ts';
import { essentialsOf, tokens, vias } from '../sip/message/header-fields.ts';
import { Headers } from '../sip/message/headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../sip/message/message.ts';
import { knowsPath } from './bindings.ts';
import { instanceParameters, isOutbound } from './instance.ts';
import type { BindingRecord } from './location.ts';

export interface GrantedBinding {
  readonly binding: BindingRecord;
  readonly seconds: number;
}

/** Keep-alives that we ask of a phone which manages its flows (RFC 5626 §4.4.1, Flow-Timer). */
export const flowTimerSeconds = 120;

/** 200 with every binding of the AoR. */
export function boundResponse(
  request: SipRequest,
  toTag: string,
  granted: readonly GrantedBinding[],
  now: EpochMillis,
): SipResponse {
  const fields = granted.map(({ binding, seconds }): [string, string] => ['Contact', contactOf(binding, seconds)]);
  fields.push(['Date', new Date(now).toUTCString()]);
  if (granted.some(({ binding }) => isManaged(request, binding))) {
    fields.push(['Require', 'outbound'], ['Flow-Timer', String(flowTimerSeconds)]);
  }
  // The path of this REGISTER, for whoever sent it (RFC 3327 §5.3).
  if (knowsPath(request)) for (const hop of request.headers.values('Path')) fields.push(['Path', hop]);
  return responseTo(request, 200, { toTag, headers: Headers.of(...fields) });
}

export function refusedResponse(
  request: SipRequest,
  toTag: string,
  { status, minExpires }: { readonly status: number; readonly minExpires?: number },
): SipResponse {
  const headers = minExpires === undefined ? Headers.empty : Headers.of(['Min-Expires', String(minExpires)]);
  return responseTo(request, status, { toTag, headers });
}

/** 503; phones that were turned away together do not come back together. */
export function busyResponse(request: SipRequest, random: Random): SipResponse {
  const headers = Headers.of(['Retry-After', String(10 + random.below(20))]);
  return responseTo(request, 503, { toTag: token(random, 8), headers });
}

function contactOf({ contact, key, priority }: BindingRecord, seconds: number): string {
  const q = priority === 1 ? '' : `;q=${priority}`;
  return `<${contact}>${instanceParameters(key)}${q};expires=${Math.max(1, Math.round(seconds))}`;
}

/** This REGISTER made a flow of a phone that keeps several, and came straight from it. */
function isManaged(request: SipRequest, { key, callId, sequence }: BindingRecord): boolean {
  const essentials = essentialsOf(request);
  if (callId !== essentials.callId || sequence !== essentials.cseq.sequence || !isOutbound(key)) return false;
  const path = vias(request.headers);
  const isSupported = tokens(request.headers, 'Supported').some((tag) => tag.toLowerCase() === 'outbound');
  return isSupported && path.ok && path.value.length === 1;
}
