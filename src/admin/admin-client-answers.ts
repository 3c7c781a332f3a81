// What the running SBC answers over its Unix socket, as it is checked before it is believed.
import * as z from 'zod';

export const call = z.object({
  id: z.string(),
  state: z.string(),
  caller: z.string(),
  dialled: z.string(),
  callee: z.string().optional(),
  startedAt: z.number(),
  answeredAt: z.number().optional(),
  halfOf: z.object({ node: z.string(), call: z.string().optional() }).optional(),
});
const traffic = z.object({ packets: z.number(), bytes: z.number() });
/** As it stands in a record too (docs/cdr.md). */
export const mediaLine = z.object({
  leg: z.string(),
  encryption: z.string(),
  received: traffic,
  sent: traffic,
  lost: z.number(),
  jitter: z.number(),
  round_trip: z.number().nullable(),
  mos: z.number().nullable(),
  one_way: z.boolean(),
  dropped: z.record(z.string(), z.number()),
});
export const callDetail = z.object({ call, media: z.array(mediaLine) });
const callQuality = z.object({
  mos: z.number().optional(),
  loss: z.number(),
  jitter: z.number(),
  roundTrip: z.number().optional(),
  oneWay: z.boolean(),
  encryption: z.array(z.string()),
});
export const registration = z.object({
  aor: z.string(),
  contact: z.string(),
  listener: z.string(),
  expiresAt: z.number(),
  alive: z.boolean(),
  userAgent: z.string().optional(),
});
export const subscription = z.object({
  id: z.string(),
  user: z.string(),
  event: z.string(),
  resource: z.string(),
  expiresAt: z.number().optional(),
});
export const userStanding = z.object({ stands: z.boolean(), registrations: z.number(), subscriptions: z.number() });
export const hold = z.object({
  subject: z.string(),
  action: z.enum(['refuse', 'lock']),
  of: z.string().optional(),
  rule: z.string(),
  since: z.number(),
  until: z.number().optional(),
});
export const ban = z.object({
  source: z.string(),
  account: z.string().optional(),
  reason: z.string(),
  until: z.number(),
  times: z.number(),
});
export const device = z.object({
  id: z.string(),
  aor: z.string(),
  description: z.string(),
  state: z.string(),
  source: z.string(),
  firstAt: z.number(),
  decidedAt: z.number(),
  decidedBy: z.string(),
});
export const status = z.object({
  version: z.string(),
  state: z.string(),
  node: z.string(),
  startedAt: z.number(),
  process: z.number(),
  supervisor: z.number().optional(),
  uid: z.number().optional(),
  descriptors: z.number().optional(),
  upgrade: z.object({ state: z.enum(['under-way', 'failed']), reason: z.string().optional() }).optional(),
  activeCalls: z.number(),
  relayedCalls: z.number().default(0),
  listeners: z.array(z.object({ name: z.string(), transport: z.string(), address: z.string() })),
  mediaWorkers: z.array(z.object({ alive: z.boolean(), driver: z.string().optional(), sessions: z.number() })),
});
export const trunk = z.object({
  name: z.string(),
  up: z.boolean().optional(),
  registered: z.boolean().optional(),
  calls: z.number(),
});
export const overview = z.object({
  at: z.number(),
  version: z.string(),
  state: z.string(),
  node: z.string(),
  startedAt: z.number(),
  calls: z.object({ active: z.number(), answered: z.number(), unanswered: z.number(), refused: z.number() }),
  relayed: z.number().default(0),
  refusals: z.record(z.string(), z.number()),
  media: z.object({ received: traffic, sent: traffic, dropped: z.record(z.string(), z.number()) }),
  workers: z.array(
    z.object({
      alive: z.boolean(),
      driver: z.string().optional(),
      sessions: z.number(),
      ran: z.number().optional(),
      packets: z.number(),
      dropped: z.number().default(0),
    }),
  ),
  process: z.object({ ran: z.number().optional(), residentBytes: z.number(), lag: z.number() }),
  registrations: z.number(),
  subscriptions: z.number(),
  bans: z.number(),
  holds: z.number(),
  trunks: z.array(trunk),
  quality: z.object({ calls: z.number(), mos: z.number(), worst: z.number(), loss: z.number() }).optional(),
  matching: z.number(),
  list: z.array(call.extend({ quality: callQuality.optional() })),
});
export const recentCall = z.object({
  id: z.string(),
  caller: z.string(),
  callee: z.string().optional(),
  dialled: z.string(),
  startedAt: z.number(),
  endedAt: z.number(),
  duration: z.number(),
  cause: z.string(),
  status: z.number(),
  refusal: z.string().optional(),
  mos: z.number().optional(),
  halfOf: z.string().optional(),
});
export const alert = z.object({
  severity: z.enum(['info', 'warning', 'critical']),
  kind: z.string(),
  text: z.string(),
  firstAt: z.number(),
  lastAt: z.number(),
  count: z.number(),
});
export const logLevel = z.object({ level: z.string(), configured: z.string(), until: z.number().optional() });
const routedTarget = z.object({
  target: z.string(),
  requestUri: z.string(),
  from: z.string(),
  to: z.string(),
  assertedIdentity: z.string().optional(),
  nextHop: z.string(),
});
export const routeTest = z.object({
  from: z.string(),
  to: z.string(),
  listener: z.string(),
  trace: z.array(z.object({ rule: z.string(), input: z.string().optional(), answer: z.string() })).readonly(),
  refusal: z.object({ code: z.string(), status: z.number(), text: z.string(), detail: z.string() }).optional(),
  stages: z.array(z.array(routedTarget).readonly()).readonly(),
});

export type CallAnswer = z.output<typeof call>;
/** Of a call of two processes with the media of both; what is between them has the leg `n`. */
export interface CallDetailAnswer extends z.output<typeof callDetail> {
  /** Its names at the other processes that it goes over. */
  readonly halves?: readonly string[] | undefined;
}
export type RegistrationAnswer = z.output<typeof registration>;
export type SubscriptionAnswer = z.output<typeof subscription>;
export type UserStandingAnswer = z.output<typeof userStanding>;
export type TrunkAnswer = z.output<typeof trunk>;
export type BanAnswer = z.output<typeof ban>;
export type HoldAnswer = z.output<typeof hold>;
export type DeviceAnswer = z.output<typeof device>;
export type RouteTestAnswer = z.output<typeof routeTest>;
export type RecentCallAnswer = z.output<typeof recentCall>;
export type AlertAnswer = z.output<typeof alert>;
/** Of one process. */
export type ProcessOverview = z.output<typeof overview>;
/** Of all processes, where there are several. */
export interface OverviewAnswer extends ProcessOverview {
  /** Each of several; absent where there is one. */
  readonly processes?: readonly ProcessPart[] | undefined;
}
/** What one process counts. */
export type CountedPart = Pick<
  ProcessOverview,
  'at' | 'version' | 'state' | 'node' | 'startedAt' | 'calls' | 'media' | 'workers' | 'process'
>;
/** One of several processes, `number` from 1 on. */
export type ProcessPart =
  | ({ readonly number: number; readonly answers: true } & CountedPart)
  | { readonly number: number; readonly answers: false; readonly why: string };
export type LogLevelAnswer = z.output<typeof logLevel>;
export type StatusAnswer = z.output<typeof status>;
