// A kept call as text. What stands twice in a running one is written once, since each character is made by the thread that signals, and sealed:
// of each leg the policy of its SDP, which is in its terms, and the body in force where it is the one that was sent last; of each session the flow
// that its requests go out over, where they come in over the same. The state of its media is JSON, and stands there as that.
//
// Version 1 has all of it, and the state of the media as a string.
import type { ActiveCallSnapshot } from '../../b2bua/active-call-snapshot.ts';
import type { Flow } from '../../sip/user-agent/session.ts';
import type { KeptCall, KeptRunning } from './kept-call.ts';

/** Of what is written. Whoever reads knows it and those before. */
export const keptCallVersion = 2;

type Session = ActiveCallSnapshot['signalling']['sessions'][number]['session'];
type Leg = ActiveCallSnapshot['call']['caller'];
type Media = ActiveCallSnapshot['media'];

interface ShortLeg extends Omit<Leg, 'sdp'> {
  readonly sdp: Omit<Leg['sdp'], 'policy' | 'committedBody'> & {
    /** Absent: that of the terms. */
    readonly policy?: Leg['sdp']['policy'] | undefined;
    /** `sent`: that one. */
    readonly committedBody?: Leg['sdp']['committedBody'] | 'sent';
  };
}

/** `flow`: what is sent goes out over the session's own. */
type ShortSession = Session | (Omit<Session, 'hop' | 'flow'> & { readonly hop: 'flow'; readonly flow: Flow });

interface ShortRunning extends Omit<KeptRunning, 'v' | 'snapshot'> {
  readonly v: 2;
  readonly snapshot: Omit<ActiveCallSnapshot, 'call' | 'signalling' | 'media'> & {
    readonly call: Omit<ActiveCallSnapshot['call'], 'caller' | 'callee'> & {
      readonly caller: ShortLeg;
      readonly callee: ShortLeg;
    };
    readonly signalling: Omit<ActiveCallSnapshot['signalling'], 'sessions'> & {
      readonly sessions: readonly { readonly leg: Leg['id']; readonly session: ShortSession }[];
    };
  };
  readonly media?: unknown;
}

export function writeKeptCall(kept: KeptCall): string {
  if (kept.kind !== 'running') return JSON.stringify(kept);
  const { snapshot, ...rest } = kept;
  const { media, call, signalling, ...others } = snapshot;
  const short: ShortRunning = {
    ...rest,
    v: keptCallVersion,
    snapshot: {
      ...others,
      call: { ...call, caller: shortLeg(call.caller), callee: shortLeg(call.callee) },
      signalling: {
        ...signalling,
        sessions: signalling.sessions.map(({ leg, session }) => ({ leg, session: shortSession(session) })),
      },
    },
  };
  const text = JSON.stringify(short);
  return media === undefined ? text : `${text.slice(0, -1)},"media":${media}}`;
}

/** Undefined for a version that this program does not know; what is inside was written by us. */
export function readKeptCall(document: string): KeptCall | undefined {
  const value: unknown = JSON.parse(document);
  if (isShort(value)) return whole(value);
  return isKeptCall(value) ? value : undefined;
}

// What is the same is so by identity, since each of these is given on as it is.

function shortLeg(leg: Leg): ShortLeg {
  const { policy, committedBody, ...sdp } = leg.sdp;
  return {
    ...leg,
    sdp: {
      ...sdp,
      policy: policy === leg.terms.sdp ? undefined : policy,
      committedBody: committedBody !== undefined && committedBody === sdp.sent ? 'sent' : committedBody,
    },
  };
}

function shortSession(session: Session): ShortSession {
  const { flow, hop } = session;
  return flow !== undefined && hop.kind === 'flow' && hop.flow === flow ? { ...session, flow, hop: 'flow' } : session;
}

function whole({ snapshot, media, ...rest }: ShortRunning): KeptCall {
  const { call, signalling, ...others } = snapshot;
  return {
    ...rest,
    v: 1,
    snapshot: {
      ...others,
      call: { ...call, caller: wholeLeg(call.caller), callee: wholeLeg(call.callee) },
      signalling: {
        ...signalling,
        sessions: signalling.sessions.map(({ leg, session }) => ({ leg, session: wholeSession(session) })),
      },
      media: wholeMedia(media),
    },
  };
}

function wholeLeg(leg: ShortLeg): Leg {
  const { policy = leg.terms.sdp, committedBody, ...sdp } = leg.sdp;
  return { ...leg, sdp: { ...sdp, policy, committedBody: committedBody === 'sent' ? sdp.sent : committedBody } };
}

function wholeSession(session: ShortSession): Session {
  return session.hop === 'flow' ? { ...session, hop: { kind: 'flow', flow: session.flow } } : session;
}

function wholeMedia(media: unknown): Media {
  return media === undefined ? undefined : JSON.stringify(media);
}

function isShort(value: unknown): value is ShortRunning {
  return isRecord(value) && value['v'] === 2 && value['kind'] === 'running';
}

function isKeptCall(value: unknown): value is KeptCall {
  const kinds: readonly unknown[] = ['running', 'unanswered', 'over'] satisfies readonly KeptCall['kind'][];
  return isRecord(value) && value['v'] === 1 && kinds.includes(value['kind']);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
