// Session timers of one leg (RFC 4028): who refreshes how often, what is too often, and when a session that nobody refreshes is
// over. Pure: it reads and makes headers and says how long to wait; others wait. All durations on the wire are seconds.
import type { Millis } from '../../core/clock.ts';
import { parseSeconds } from '../message/header-fields.ts';
import { Headers } from '../message/headers.ts';
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts';
import { hasOption } from './reliable-provisional.ts';

/** The option tag in Supported and Require. */
export const timerTag = 'timer';

/** What we ask for and what we stand, in seconds. */
export interface SessionTimerTerms {
  readonly expires: number;
  /** A shorter interval is refused with 422. At least 90 (§4). */
  readonly minimum: number;
}

/** Half an hour, and the shortest that there may be (§4). */
export const defaultSessionTimers: SessionTimerTerms = { expires: 1_800, minimum: 90 };

export interface SessionTimer {
  /** Seconds from one refresh to the end of the session. */
  readonly interval: number;
  readonly weRefresh: boolean;
}

/** Nobody needs a longer interval; a Min-SE beyond it is not followed. */
export const longestInterval = 86_400;
/** A peer that answers with less than it was allowed to gets no more refreshes for that. */
export const shortestInterval = 10;

/** The headers of an INVITE or UPDATE of ours: what we ask for, or, in a session that has one, the timer that it has (§7.1, §7.4). */
export function timerRequest(
  terms: SessionTimerTerms | undefined,
  current: SessionTimer | undefined,
  least = 0,
): Headers {
  const asked = current?.interval ?? terms?.expires;
  if (asked === undefined) return Headers.empty;
  const interval = Math.max(asked, least);
  const refresher = current === undefined ? '' : `;refresher=${current.weRefresh ? 'uac' : 'uas'}`;
  return Headers.of(
    ['Supported', timerTag],
    ['Session-Expires', `${interval}${refresher}`],
    ['Min-SE', String(Math.max(terms?.minimum ?? defaultSessionTimers.minimum, least))],
  );
}

/** The peer's request asks for less than we stand: the 422 says what we do (§9). */
export function isTooShort(request: SipRequest, terms: SessionTimerTerms): boolean {
  const asked = sessionExpires(request);
  return asked !== undefined && asked.interval < terms.minimum;
}

/** What our 422 carries (§6). */
export function minimumHeaders(terms: SessionTimerTerms): Headers {
  return Headers.of(['Min-SE', String(terms.minimum)]);
}

/** The interval to ask for after a 422 to our request; undefined where it does not help (§7.3). */
export function intervalAfter422(response: SipResponse): number | undefined {
  const least = parseSeconds(response.headers.get('Min-SE'));
  return least === undefined || least > longestInterval ? undefined : least;
}

/** What our 2xx to a request of the peer settles (§9): undefined when the peer or we know nothing of timers. */
export function timerAnswer(request: SipRequest, terms: SessionTimerTerms | undefined): SessionTimer | undefined {
  if (terms === undefined) return undefined;
  const asked = sessionExpires(request);
  const knows = hasOption(request.headers, 'Supported', timerTag);
  if (asked === undefined && !knows) return undefined;
  const least = Math.max(terms.minimum, parseSeconds(request.headers.get('Min-SE')) ?? 0);
  const interval = Math.min(
    longestInterval,
    Math.max(least, Math.min(asked?.interval ?? terms.expires, terms.expires)),
  );
  // One that does not know of timers cannot refresh; one that says nothing of who does leaves it to us.
  return { interval, weRefresh: !knows || asked?.refresher !== 'uac' };
}

/** The headers of that 2xx. */
export function timerAnswerHeaders({ interval, weRefresh }: SessionTimer): Headers {
  const expires: [string, string] = ['Session-Expires', `${interval};refresher=${weRefresh ? 'uas' : 'uac'}`];
  return weRefresh ? Headers.of(expires) : Headers.of(['Require', timerTag], expires);
}

/** What the peer's 2xx to our request settles (§7.2): undefined when it has no timer. */
export function timerOf(response: SipResponse): SessionTimer | undefined {
  const agreed = sessionExpires(response);
  if (agreed === undefined || agreed.interval === 0) return undefined;
  const interval = Math.min(Math.max(agreed.interval, shortestInterval), longestInterval);
  return { interval, weRefresh: agreed.refresher !== 'uas' };
}

/** When to refresh, and when to end the session: half of the interval, and shortly before it is over (§7.2, §10). */
export function timerDelays({ interval, weRefresh }: SessionTimer): {
  readonly refresh: Millis | undefined;
  readonly expiry: Millis;
} {
  const margin = Math.min(32, interval / 3);
  return { refresh: weRefresh ? (interval * 1_000) / 2 : undefined, expiry: (interval - margin) * 1_000 };
}

function sessionExpires({
  headers,
}: SipMessage): { readonly interval: number; readonly refresher: string | undefined } | undefined {
  const [value = '', ...parameters] = (headers.get('Session-Expires') ?? '').split(';');
  const interval = parseSeconds(value.trim());
  if (interval === undefined) return undefined;
  for (const parameter of parameters) {
    const [name = '', refresher = ''] = parameter.split('=');
    if (name.trim().toLowerCase() === 'refresher') return { interval, refresher: refresher.trim().toLowerCase() };
  }
  return { interval, refresher: undefined };
}
