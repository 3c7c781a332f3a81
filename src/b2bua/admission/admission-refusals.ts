// What admission refuses, with the status and the Reason that go on the wire.
import type { Refusal } from '../../policy/verdict.ts';

export const refusals = {
  anonymous: (): Refusal => ({
    code: 'caller-not-allowed',
    status: 403,
    text: 'Not allowed',
    detail: 'the caller proved no identity',
  }),
  scheme: (uri: string): Refusal => ({
    code: 'scheme-not-supported',
    status: 416,
    text: 'URI scheme not supported',
    detail: `expected sip, sips or tel, got ${uri.slice(0, 80)}`,
  }),
  down: (target: string): Refusal => ({
    code: 'peer-down',
    status: 480,
    text: 'Out of service',
    detail: `${target} does not answer its pings`,
  }),
  sips: (target: string): Refusal => ({
    code: 'sips-not-possible',
    status: 480,
    text: 'Not reachable over TLS',
    detail: `a call to a sips URI leaves over TLS only, and ${target} is not reached that way`,
  }),
  number: (detail: string): Refusal => ({ code: 'number-not-valid', status: 484, text: 'Address incomplete', detail }),
  looped: (step: string): Refusal => ({
    code: 'loop',
    status: 482,
    text: 'Loop detected',
    detail: `it has been here before: ${step}`,
  }),
  repeated: (what: string): Refusal => ({
    code: 'loop',
    status: 482,
    text: 'Loop detected',
    detail: `too many calls are being set up that nothing tells apart: ${what.slice(0, maxDetailLength)}`,
  }),
  breadth: (): Refusal => ({
    code: 'loop',
    status: 440,
    text: 'Max-Breadth exceeded',
    detail: 'more would ring at once than Max-Breadth lets the request have branches',
  }),
  loop: (): Refusal => ({ code: 'loop', status: 483, text: 'Too many hops', detail: 'Max-Forwards is used up' }),
  noRoute: (from: string, canonical: string): Refusal => ({
    code: 'no-route',
    status: 404,
    text: 'No route',
    detail: `no route from ${from} to ${canonical}`,
  }),
  unknownUser: (aor: string): Refusal => ({
    code: 'unknown-user',
    status: 404,
    text: 'Unknown user',
    detail: `${aor} is no user here`,
  }),
  notRegistered: (aor: string): Refusal => ({
    code: 'not-registered',
    status: 480,
    text: 'Not registered',
    detail: `${aor} has no live registration`,
  }),
  /** Towards a proxy that asked for a phone by our Path: it may know another way to it (RFC 5626 §5.3.1, §11.5). */
  flowFailed: (what: string): Refusal => ({
    code: 'not-registered',
    status: 430,
    text: 'Not registered',
    detail: `no flow is left of what ${what} was registered for`,
  }),
};

const maxDetailLength = 200;
