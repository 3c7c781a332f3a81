// Asks the running SBC over its Unix socket, for the command line. What comes back is checked before it is believed.
import * as z from 'zod';
import type { Millis } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import {
  type AlertAnswer,
  alert,
  type BanAnswer,
  ban,
  type CallAnswer,
  type CallDetailAnswer,
  call,
  callDetail,
  type DeviceAnswer,
  device,
  type HoldAnswer,
  hold,
  type LogLevelAnswer,
  logLevel,
  type OverviewAnswer,
  overview,
  type RecentCallAnswer,
  type RegistrationAnswer,
  type RouteTestAnswer,
  recentCall,
  registration,
  routeTest,
  type StatusAnswer,
  type SubscriptionAnswer,
  status,
  subscription,
  type TrunkAnswer,
  trunk,
  type UserStandingAnswer,
  userStanding,
} from './admin-client-answers.ts';
import {
  type AdminAnswer,
  type AdminFailure,
  answerTimeout,
  exchange,
  failed,
  parseJson,
  refusalIn,
} from './admin-client-exchange.ts';
import type { CallQuery } from './overview.ts';
import type { RegistrationPage, RegistrationQuery } from './registration-query.ts';

export class AdminClient {
  readonly #socket: string;
  readonly #patience: Millis;

  /** `patience`: the longest wait for an answer. */
  constructor(socket: string, patience: Millis = answerTimeout) {
    this.#socket = socket;
    this.#patience = patience;
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

  /** Of each process of the SBC, in their order. */
  async statuses(): Promise<readonly Result<StatusAnswer, AdminFailure>[]> {
    return [await this.status()];
  }

  overview({ match, order, reversed, limit, withoutHalvesOf }: CallQuery): AdminAnswer<OverviewAnswer> {
    const more = withoutHalvesOf === undefined ? {} : { without_halves_of: withoutHalvesOf.join() };
    const query = { match, order, reversed: reversed ? 'yes' : 'no', limit: String(limit), ...more };
    return this.#ask('GET', `/overview?${new URLSearchParams(query)}`, overview);
  }

  /** Calls that were over last, the newest first. */
  async recentCalls(): AdminAnswer<readonly RecentCallAnswer[]> {
    const shape = z.object({ calls: z.array(recentCall) });
    return mapped(await this.#ask('GET', '/recent-calls', shape), ({ calls }) => calls);
  }

  /** What receivers of alerts were told in the last week, the newest first. */
  async alerts(): AdminAnswer<readonly AlertAnswer[]> {
    return mapped(await this.#ask('GET', '/alerts', z.object({ alerts: z.array(alert) })), ({ alerts }) => alerts);
  }

  /** In the text format of Prometheus. */
  async metrics(): AdminAnswer<string> {
    return mapped(await this.#bytes('/metrics'), (bytes) => Buffer.from(bytes).toString());
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

  /** `by`: who ordered it, for the audit log; absent: whoever may open the socket. */
  async endCall(id: string, by?: string): AdminAnswer<string> {
    const path = `/calls/${encodeURIComponent(id)}${orderedBy(by)}`;
    return mapped(await this.#ask('DELETE', path, z.object({ ended: z.string() })), ({ ended }) => ended);
  }

  /** Those that match, as many as are wanted: of a screen that asks again and again. */
  registrationPage({ match, limit, offset }: RegistrationQuery): AdminAnswer<RegistrationPage<RegistrationAnswer>> {
    const query = new URLSearchParams({ match });
    for (const [key, value] of Object.entries({ limit, offset }))
      if (value !== undefined) query.set(key, String(value));
    const shape = z.object({ matching: z.number(), registrations: z.array(registration) });
    return this.#ask('GET', `/registrations?${query}`, shape);
  }

  /** All of them. */
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

  /** `by` as of `endCall`. */
  async liftBans(address: string, by?: string): AdminAnswer<number> {
    const path = `/bans/${encodeURIComponent(address)}${orderedBy(by)}`;
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
  trace(name: string, query: Readonly<Record<string, string>>): AdminAnswer<Uint8Array> {
    return this.#bytes(`/traces/${encodeURIComponent(name)}?${new URLSearchParams(query)}`);
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

  async #bytes(path: string): AdminAnswer<Uint8Array> {
    const exchanged = await exchange(this.#socket, 'GET', path, this.#patience);
    if (!exchanged.ok) return exchanged;
    const { statusCode, bytes } = exchanged.value;
    return statusCode === 200 ? ok(bytes) : err(refusalIn(`GET ${path}`, exchanged.value));
  }

  async #ask<T>(method: string, path: string, shape: z.ZodType<T>): AdminAnswer<T> {
    const exchanged = await exchange(this.#socket, method, path, this.#patience);
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

function orderedBy(by: string | undefined): string {
  return by === undefined ? '' : `?by=${encodeURIComponent(by)}`;
}

function mapped<T, U>(answer: Result<T, AdminFailure>, pick: (value: T) => U): Result<U, AdminFailure> {
  return answer.ok ? ok(pick(answer.value)) : answer;
}
