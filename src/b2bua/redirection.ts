// Where a 3xx sends a call, decided as a call of whoever redirects it: under its routes, rules and limits, and at its cost, or a phone
// could have calls placed to where it may not call itself.
import type { RefusalCode, RuleTrace } from '../policy/verdict.ts';
import type { IncomingCall } from '../sip/user-agent/session.ts';
import type { B2buaParts } from './b2bua-parts.ts';
import type { Admission, CallOutput } from './call/call-event.ts';
import { bare } from './transfer/refer.ts';

export interface Redirected {
  /** Those of the places that may be called, in the order of preference. */
  readonly admissions: readonly Admission[];
  readonly trace: readonly RuleTrace[];
  /** Why the others may not. */
  readonly refusals: readonly RefusalCode[];
}

/** Never rejects, as admission does not. */
export async function redirected(
  { admissions, directory }: Pick<B2buaParts, 'admissions' | 'directory'>,
  { id, request, identity, flow }: Pick<IncomingCall, 'id' | 'request' | 'identity' | 'flow'>,
  { leg, to, by, diverter, breadth }: Extract<CallOutput, { type: 'redirect' }>,
): Promise<Redirected> {
  const trace: RuleTrace[] = [];
  const admitted: Admission[] = [];
  const refusals: RefusalCode[] = [];
  const headers = breadth === undefined ? request.headers : request.headers.with('Max-Breadth', breadth);
  const token = by.kind === 'user' ? `${id}.${leg}` : undefined;
  for (const uri of to) {
    // Where a peer of ours is, and what it calls us, is its own affair: of its URI only the number counts.
    const isForeign =
      uri.scheme === 'other' || (by.kind === 'user' && uri.scheme !== 'tel' && !directory.isOurs(uri.host));
    if (isForeign) {
      trace.push({ rule: 'redirect', answer: 'passed over: a foreign host or scheme' });
      continue;
    }
    const way = { listener: flow.listener, charged: by, diverter, ...(token === undefined ? {} : { token }) };
    const outcome = await admissions.admit({ ...request, headers, uri: bare(uri) }, identity, way);
    const heard = outcome.kind === 'admitted' ? outcome.admission.trace : outcome.trace;
    trace.push(...heard.map(({ rule, answer }) => ({ rule: `redirect: ${rule}`, answer })));
    if (outcome.kind === 'admitted') {
      admitted.push({ ...outcome.admission, ...(token === undefined ? {} : { token }) });
    } else {
      trace.push({ rule: 'redirect', answer: `refused: ${outcome.refusal.code}` });
      refusals.push(outcome.refusal.code);
    }
  }
  return { admissions: admitted, trace, refusals };
}
