// Asks the running SBC over its Unix socket, for the command line. What comes back is checked before it is believed.
import { z } from 'zod';
import { err, ok, type Result } from '../core/result.ts';
import {
  type AdminAnswer,
  type AdminFailure,
  exchange,
  failed,
  parseJson,
  refusalIn,
} from './admin-client-exchange.ts';

const call = z.object({
  id: z.string(),
  state: z.string(),
  caller: z.string(),
  dialled: z.string(),
  callee: z.string().optional(),
  startedAt: z.number(),
  answeredAt: z.number().optional(),
});
const traffic = z.object({ packets: z.number(), bytes: z.number() });
const callDetail = z.object({
  call,
  media: z.array(
    z.object({
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
    }),
  ),
});
const callQuality = z.object({
  mos: z.number().optional(),
  loss: z.number(),
  jitter: z.number(),
  roundTrip: z.number().optional(),
  oneWay: z.boolean(),
  encryption: z.array(z.string()),
});
const registration = z.object({
  aor: z.string(),
  contact: z.string(),
  listener: z.string(),
  expiresAt: z.number(),
  alive: z.boolean(),
  userAgent: z.string().optional(),
});
const subscription = z.object({
  id: z.string(),
  user: z.string(),
  event: z.string(),
  resource: z.string(),
  expiresAt: z.number().optional(),
});
const userStanding = z.object({ stands: z.boolean(), registrations: z.number(), subscriptions: z.number() });
const hold = z.object({
  subject: z.string(),
  action: z.enum(['refuse', 'lock']),
  of: z.string().optional(),
  rule: z.string(),
  since: z.number(),
  until: z.number().optional(),
});
const ban = z.object({
  source: z.string(),
  account: z.string().optional(),
  reason: z.string(),
  until: z.number(),
  times: z.number(),
});
const device = z.object({
  id: z.string(),
  aor: z.string(),
  description: z.string(),
  state: z.string(),
  source: z.string(),
  firstAt: z.number(),
  decidedAt: z.number(),
  decidedBy: z.string(),
});
const status = z.object({
  version: z.string(),
  state: z.string(),
  node: z.string(),
  startedAt: z.number(),
  process: z.number(),
  supervisor: z.number().optional(),
  upgrade: z.object({ state: z.enum(['under-way', 'failed']), reason: z.string().optional() }).optional(),
  activeCalls: z.number(),
  listeners: z.array(z.object({ name: z.string(), transport: z.string(), address: z.string() })),
  mediaWorkers: z.array(z.object({ alive: z.boolean(), driver: z.string().optional(), sessions: z.number() })),
});
const trunk = z.object({
  name: z.string(),
  up: z.boolean().optional(),
  registered: z.boolean().optional(),
  calls: z.number(),
});
const overview = z.object({
  at: z.number(),
  version: z.string(),
  state: z.string(),
  node: z.string(),
  startedAt: z.number(),
  calls: z.object({ active: z.number(), answered: z.number(), unanswered: z.number(), refused: z.number() }),
  refusals: z.record(z.string(), z.number()),
  media: z.object({ received: traffic, sent: traffic, dropped: z.record(z.string(), z.number()) }),
  workers: z.array(
    z.object({
      alive: z.boolean(),
      driver: z.string().optional(),
      sessions: z.number(),
      ran: z.number().optional(),
      packets: z.number(),
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
const logLevel = z.object({ level: z.string(), configured: z.string(), until: z.number().optional() });
const routedTarget = z.object({
  target: z.string(),
  requestUri: z.string(),
  from: z.string(),
  to: z.string(),
  assertedIdentity: z.string().optional(),
  nextHop: z.string(),
});
const routeTest = z.object({
  from: z.string(),
  to: z.string(),
  listener: z.string(),
  trace: z.array(z.object({ rule: z.string(), input: z.string().optional(), answer: z.string() })).readonly(),
  refusal: z.object({ code: z.string(), status: z.number(), text: z.string(), detail: z.string() }).optional(),
  stages: z.array(z.array(routedTarget).readonly()).readonly(),
});

export type CallAnswer = z.output<typeof call>;
export type CallDetailAnswer = z.output<typeof callDetail>;
export type RegistrationAnswer = z.output<typeof registration>;
export type SubscriptionAnswer = z.output<typeof subscription>;
export type UserStandingAnswer = z.output<typeof userStanding>;
export type TrunkAnswer = z.output<typeof trunk>;
export type BanAnswer = z.output<typeof ban>;
export type HoldAnswer = z.output<typeof hold>;
export type DeviceAnswer = z.output<typeof device>;
export type RouteTestAnswer = z.output<typeof routeTest>;
export type OverviewAnswer = z.output<typeof overview>;
export type LogLevelAnswer = z.output<typeof logLevel>;
export type StatusAnswer = z.output<typeof status>;

export class AdminClient {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** One for each process of the SBC. */
  get processes(): readonly AdminClient[] {
    return [this];
  }

  async version(): AdminAnswer<string> {
    return mapped(await this.#ask('GET', '/version', z.object({ version: z.string() })), ({ version }) => version);
  }

  status(): AdminAnswer<StatusAnswer> {
    return this.#ask('GET', '/status', status);
  }

  /** `query` is what its path takes: `match`, `order`, `reversed`, `limit`. */
  overview(query: Readonly<Record<string, string>>): AdminAnswer<OverviewAnswer> {
    return this.#ask('GET', `/overview?${new URLSearchParams(query)}`, overview);
  }

  logLevel(): AdminAnswer<LogLevelAnswer> {
    return this.#ask('GET', '/log-level', logLevel);
  }

  /** `lasts` in milliseconds. */
  setLogLevel(level: string, lasts: number | undefined): AdminAnswer<LogLevelAnswer> {
    const more = lasts === undefined ? '' : `&lasts=${lasts}`;
    return this.#ask('PUT', `/log-level?level=${encodeURIComponent(level)}${more}`, logLevel);
  }

  async calls(): AdminAnswer<readonly CallAnswer[]> {
    return mapped(await this.#ask('GET', '/calls', z.object({ calls: z.array(call) })), ({ calls }) => calls);
  }

  call(id: string): AdminAnswer<CallDetailAnswer> {
    return this.#ask('GET', `/calls/${encodeURIComponent(id)}`, callDetail);
  }

  async endCall(id: string): AdminAnswer<string> {
    const path = `/calls/${encodeURIComponent(id)}`;
    return mapped(await this.#ask('DELETE', path, z.object({ ended: z.string() })), ({ ended }) => ended);
  }

  async registrations(): AdminAnswer<readonly RegistrationAnswer[]> {
    const shape = z.object({ registrations: z.array(registration) });
    return mapped(await this.#ask('GET', '/registrations', shape), ({ registrations }) => registrations);
  }

  async subscriptions(): AdminAnswer<readonly SubscriptionAnswer[]> {
    const shape = z.object({ subscriptions: z.array(subscription) });
    return mapped(await this.#ask('GET', '/subscriptions', shape), (answer) => answer.subscriptions);
  }

  async endSubscription(id: string, reason: 'probation' | 'rejected'): AdminAnswer<string> {
    const path = `/subscriptions/${encodeURIComponent(id)}?reason=${reason}`;
    return mapped(await this.#ask('DELETE', path, z.object({ ended: z.string() })), ({ ended }) => ended);
  }

  recheckUser(aor: string): AdminAnswer<UserStandingAnswer> {
    return this.#ask('POST', `/users/${encodeURIComponent(aor)}`, userStanding);
  }

  async trunks(): AdminAnswer<readonly TrunkAnswer[]> {
    return mapped(await this.#ask('GET', '/trunks', z.object({ trunks: z.array(trunk) })), ({ trunks }) => trunks);
  }

  async bans(): AdminAnswer<readonly BanAnswer[]> {
    return mapped(await this.#ask('GET', '/bans', z.object({ bans: z.array(ban) })), ({ bans }) => bans);
  }

  /** `lasts` in milliseconds. */
  async ban(address: string, lasts: number | undefined): AdminAnswer<BanAnswer> {
    const path = `/bans/${encodeURIComponent(address)}${lasts === undefined ? '' : `?lasts=${lasts}`}`;
    return mapped(await this.#ask('PUT', path, z.object({ banned: ban })), ({ banned }) => banned);
  }

  async liftBans(address: string): AdminAnswer<number> {
    const path = `/bans/${encodeURIComponent(address)}`;
    return mapped(await this.#ask('DELETE', path, z.object({ lifted: z.number() })), ({ lifted }) => lifted);
  }

  async fraudHolds(): AdminAnswer<readonly HoldAnswer[]> {
    return mapped(await this.#ask('GET', '/fraud', z.object({ holds: z.array(hold) })), ({ holds }) => holds);
  }

  async liftFraud(subject: string): AdminAnswer<number> {
    const path = `/fraud/${encodeURIComponent(subject)}`;
    return mapped(await this.#ask('DELETE', path, z.object({ lifted: z.number() })), ({ lifted }) => lifted);
  }

  async devices(): AdminAnswer<readonly DeviceAnswer[]> {
    return mapped(await this.#ask('GET', '/devices', z.object({ devices: z.array(device) })), ({ devices }) => devices);
  }

  /** `code`: a one-time code of its user. */
  async decideDevice(id: string, state: 'approved' | 'denied', code?: string): AdminAnswer<DeviceAnswer> {
    const more = code === undefined ? '' : `&code=${encodeURIComponent(code)}`;
    const path = `/devices/${encodeURIComponent(id)}?state=${state}${more}`;
    return mapped(await this.#ask('PUT', path, z.object({ device })), (answer) => answer.device);
  }

  async forgetDevice(id: string): AdminAnswer<DeviceAnswer> {
    const path = `/devices/${encodeURIComponent(id)}`;
    return mapped(await this.#ask('DELETE', path, z.object({ device })), (answer) => answer.device);
  }

  async learnDevices(): AdminAnswer<readonly DeviceAnswer[]> {
    const shape = z.object({ devices: z.array(device) });
    return mapped(await this.#ask('POST', '/devices', shape), ({ devices }) => devices);
  }

  /** The trace of a call, drawn by the running SBC; `query` is what its path takes (`form`, `secrets`, `width`). */
  async trace(name: string, query: Readonly<Record<string, string>>): AdminAnswer<Uint8Array> {
    const path = `/traces/${encodeURIComponent(name)}?${new URLSearchParams(query)}`;
    const exchanged = await exchange(this.#socket, 'GET', path);
    if (!exchanged.ok) return exchanged;
    const { statusCode, bytes } = exchanged.value;
    return statusCode === 200 ? ok(bytes) : err(refusalIn(`GET ${path}`, exchanged.value));
  }

  routeTest(query: Readonly<Record<string, string | number | undefined>>): AdminAnswer<RouteTestAnswer> {
    const given = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) if (value !== undefined) given.set(key, String(value));
    return this.#ask('GET', `/route-test?${given}`, routeTest);
  }

  /** The number of calls that go on. */
  async drain(): AdminAnswer<number> {
    const shape = z.object({ activeCalls: z.number() });
    return mapped(await this.#ask('POST', '/drain', shape), ({ activeCalls }) => activeCalls);
  }

  /** `taking-over`, or `active` for a process that is the node already. */
  async takeover(): AdminAnswer<string> {
    return mapped(await this.#ask('POST', '/takeover', z.object({ state: z.string() })), ({ state }) => state);
  }

  /** The process that another one is to take the place of. */
  async upgrade(): AdminAnswer<number> {
    return mapped(await this.#ask('POST', '/upgrade', z.object({ process: z.number() })), ({ process }) => process);
  }

  /** What changed. */
  async reload(): AdminAnswer<readonly string[]> {
    const shape = z.object({ changed: z.array(z.string()) });
    return mapped(await this.#ask('POST', '/reload', shape), ({ changed }) => changed);
  }

  async #ask<T>(method: string, path: string, shape: z.ZodType<T>): AdminAnswer<T> {
    const exchanged = await exchange(this.#socket, method, path);
    if (!exchanged.ok) return exchanged;
    const { statusCode, bytes } = exchanged.value;
    const document = parseJson(bytes.toString());
    if (statusCode < 300) {
      const parsed = shape.safeParse(document);
      return parsed.success ? ok(parsed.data) : err(failed(`${method} ${path}: ${z.prettifyError(parsed.error)}`));
    }
    return err(refusalIn(`${method} ${path}`, exchanged.value));
  }
}

function mapped<T, U>(answer: Result<T, AdminFailure>, pick: (value: T) => U): Result<U, AdminFailure> {
  return answer.ok ? ok(pick(answer.value)) : answer;
}
