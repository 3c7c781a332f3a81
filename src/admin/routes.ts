// What each face of the admin API answers. Nothing takes a body, and one path a query; every answer but the metrics is JSON, and a refusal is
// {"error":{"code","message"}} with a stable code.
import type { AdminOperations, TraceForm } from './operations.ts';
import { type CallQuery, callOrders, mostListedCalls, usualCallQuery } from './overview.ts';
import { mostListedRegistrations, type RegistrationQuery, selectRegistrations } from './registration-query.ts';

export interface AdminReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly allow?: string;
}

type Handler = (operations: AdminOperations, id: string, query: URLSearchParams) => AdminReply | Promise<AdminReply>;

/** Path → method → handler. `:id` stands for one path segment. */
export type Face = Readonly<Record<string, Readonly<Record<string, Handler>>>>;

/** What probes and Prometheus may ask over the network. `metricsOfAll`: of this process and those beside it. */
export function probeFace(metricsOfAll?: () => Promise<string>): Face {
  return {
    '/healthz': { GET: () => json(200, { status: 'ok' }) },
    '/readyz': {
      GET: (operations) => json(operations.isReady() ? 200 : 503, { status: stateOf(operations) }),
    },
    '/metrics': {
      GET: async (operations) => ({
        status: 200,
        contentType: operations.metricsContentType,
        body: await (metricsOfAll === undefined ? operations.metricsText() : metricsOfAll()),
      }),
    },
  };
}

/** What whoever may open the Unix socket asks and orders. */
export const operatorFace: Face = {
  ...probeFace(),
  '/version': { GET: ({ version }) => json(200, { version }) },
  '/status': {
    GET: (operations) => json(200, { version: operations.version, state: stateOf(operations), ...operations.status() }),
  },
  '/overview': {
    GET: async (operations, _id, query) => {
      const asked = callQueryOf(query);
      if (typeof asked === 'string') return refusal(400, 'malformed', asked);
      const overview = await operations.overview(asked);
      return json(200, { version: operations.version, state: stateOf(operations), ...overview });
    },
  },
  '/calls': { GET: (operations) => json(200, { calls: operations.calls() }) },
  '/calls/:id': {
    GET: async (operations, id) => {
      const detail = await operations.call(id);
      return detail === undefined ? refusal(404, 'no-such-call', `there is no call ${id}`) : json(200, detail);
    },
    DELETE: (operations, id, query) => {
      const by = actorIn(query);
      if (by === null) return refusal(400, 'malformed', strangeActor);
      if (operations.endCall(id, by)) return json(200, { ended: id });
      return refusal(404, 'no-such-call', `there is no call ${id}`);
    },
  },
  '/recent-calls': { GET: (operations) => json(200, { calls: operations.recentCalls() }) },
  '/alerts': { GET: (operations) => json(200, { alerts: operations.alerts() }) },
  '/traces/:id': {
    GET: async (operations, name, query) => {
      const form = traceForms.get(query.get('form') ?? 'ladder');
      if (form === undefined) return refusal(400, 'malformed', `form: expected ${[...traceForms.keys()].join(', ')}`);
      const width = numberIn(query, 'width', 40, 1_000);
      if (width === null) return refusal(400, 'malformed', 'width: expected 40 to 1000 characters');
      const body = await operations.trace(name, form.form, { withSecrets: query.get('secrets') === 'yes', width });
      if (body !== undefined) return { status: 200, contentType: form.contentType, body };
      return refusal(404, 'no-such-trace', `no message of a call ${name} is in memory`);
    },
  },
  '/trunks': { GET: (operations) => json(200, { trunks: operations.trunks() }) },
  '/registrations': {
    GET: async (operations, _id, query) => {
      const asked = registrationQueryOf(query);
      if (typeof asked === 'string') return refusal(400, 'malformed', asked);
      return json(200, selectRegistrations(await operations.registrations(), asked));
    },
  },
  '/subscriptions': { GET: (operations) => json(200, { subscriptions: operations.subscriptions() }) },
  '/subscriptions/:id': {
    DELETE: (operations, id, query) => {
      const reason = query.get('reason') ?? 'probation';
      if (reason !== 'probation' && reason !== 'rejected') {
        return refusal(400, 'malformed', 'reason: expected probation or rejected');
      }
      if (operations.endSubscription(id, reason)) return json(200, { ended: id });
      return refusal(404, 'no-such-subscription', `there is no subscription ${id}`);
    },
  },
  '/users/:id': { POST: async (operations, aor) => json(200, await operations.recheckUser(aor)) },
  '/bans': { GET: (operations) => json(200, { bans: operations.bans() }) },
  '/bans/:id': {
    PUT: (operations, address, query) => {
      const asked = query.get('lasts');
      const lasts = asked === null ? undefined : Number(asked);
      if (lasts !== undefined && !(lasts > 0 && lasts <= longestBan)) {
        return refusal(400, 'malformed', `lasts: expected 1 to ${longestBan} milliseconds`);
      }
      const ban = operations.ban(address, lasts);
      return ban === undefined ? refusal(400, 'malformed', `${address} is no IP address`) : json(200, { banned: ban });
    },
    DELETE: (operations, address, query) => {
      const by = actorIn(query);
      if (by === null) return refusal(400, 'malformed', strangeActor);
      const lifted = operations.liftBans(address, by);
      return lifted > 0 ? json(200, { lifted }) : refusal(404, 'no-such-ban', `there is no ban of ${address}`);
    },
  },
  '/fraud': { GET: (operations) => json(200, { holds: operations.fraudHolds() }) },
  '/fraud/:id': {
    DELETE: (operations, subject) => {
      const lifted = operations.liftFraud(subject);
      if (lifted > 0) return json(200, { lifted });
      return refusal(
        404,
        'no-such-hold',
        `nothing is held against ${subject} (expected user:NAME@DOMAIN, trunk:NAME or pbx:NAME)`,
      );
    },
  },
  '/devices': {
    GET: (operations) => json(200, { devices: operations.devices() }),
    POST: async (operations) => json(200, { devices: await operations.learnDevices() }),
  },
  '/devices/:id': {
    PUT: (operations, id, query) => {
      const state = query.get('state');
      if (state !== 'approved' && state !== 'denied') {
        return refusal(400, 'malformed', 'state: expected approved or denied');
      }
      const code = query.get('code');
      if (code === null) return deviceReply(operations.decideDevice(id, state), id);
      if (state !== 'approved') return refusal(400, 'malformed', 'a code approves, and denies nothing');
      const device = operations.approveDevice(id, code);
      if (typeof device !== 'string') return deviceReply(device, id);
      return refusal(403, 'code-refused', `the code was not taken: ${device}`);
    },
    DELETE: (operations, id) => deviceReply(operations.forgetDevice(id), id),
  },
  '/route-test': {
    GET: async (operations, _id, query) => {
      const [from, to] = [query.get('from'), query.get('to')];
      if (from === null || to === null) return refusal(400, 'question-incomplete', 'expected from and to');
      const time = query.get('at');
      const at = time === null ? undefined : Number(time);
      if (at !== undefined && !(at >= 0 && at <= latestTime)) {
        return refusal(400, 'malformed', 'at: expected milliseconds since 1970');
      }
      const more = { caller: query.get('caller') ?? undefined, listener: query.get('listener') ?? undefined, at };
      const outcome = await operations.routeTest({ from, to, ...more });
      return outcome.ok ? json(200, outcome.value) : refusal(422, 'question-unanswerable', outcome.error);
    },
  },
  '/log-level': {
    GET: (operations) => json(200, operations.logLevel()),
    PUT: (operations, _id, query) => {
      const level = logLevels.find((one) => one === query.get('level'));
      if (level === undefined) return refusal(400, 'malformed', `level: expected ${logLevels.join(', ')}`);
      const lasts = numberIn(query, 'lasts', 1, longestLogLevel);
      if (lasts === null) return refusal(400, 'malformed', `lasts: expected 1 to ${longestLogLevel} milliseconds`);
      return json(200, operations.setLogLevel(level, lasts));
    },
  },
  '/drain': {
    POST: (operations) => {
      void operations.drain();
      return json(202, { activeCalls: operations.status().activeCalls });
    },
  },
  // A process that stands by answers this otherwise (`standby-server.ts`).
  '/takeover': { POST: () => json(200, { state: 'active' }) },
  '/upgrade': {
    POST: (operations) => {
      const reason = operations.upgrade();
      if (reason !== undefined) return refusal(409, 'no-upgrade', reason);
      return json(202, { process: operations.status().process });
    },
  },
  '/reload': {
    POST: async (operations) => {
      const outcome = await operations.reload();
      if (outcome.ok) return json(200, { changed: outcome.value });
      return refusal(422, 'reload-refused', 'the configuration was not applied', { errors: outcome.error });
    },
  },
};

function deviceReply(device: object | undefined, id: string): AdminReply {
  return device === undefined ? refusal(404, 'no-such-device', `there is no device ${id}`) : json(200, { device });
}

/** What is wrong with it, where it is a text. */
export function callQueryOf(query: URLSearchParams): CallQuery | string {
  const order = callOrders.find((one) => one === (query.get('order') ?? usualCallQuery.order));
  if (order === undefined) return `order: expected ${callOrders.join(', ')}`;
  const limit = numberIn(query, 'limit', 0, mostListedCalls);
  if (limit === null) return `limit: expected 0 to ${mostListedCalls}`;
  return {
    match: query.get('match') ?? usualCallQuery.match,
    order,
    reversed: query.get('reversed') === 'yes',
    limit: limit ?? usualCallQuery.limit,
    ...(query.has('without_halves_of') ? { withoutHalvesOf: numbersIn(query.get('without_halves_of') ?? '') } : {}),
  };
}

/** More than a machine may have. */
const mostProcesses = 64;

/** Whole numbers with commas between them; what is none says nothing. */
function numbersIn(text: string): readonly number[] {
  return text.split(',', mostProcesses).flatMap((one) => (/^\d{1,3}$/.test(one) ? [Number(one)] : []));
}

/** What is wrong with it, where it is a text. Without a limit it is for all. */
export function registrationQueryOf(query: URLSearchParams): RegistrationQuery | string {
  const limit = numberIn(query, 'limit', 0, mostListedRegistrations);
  if (limit === null) return `limit: expected 0 to ${mostListedRegistrations}`;
  const offset = numberIn(query, 'offset', 0, highestOffset);
  if (offset === null) return `offset: expected 0 to ${highestOffset}`;
  return { match: query.get('match') ?? '', limit, offset };
}

const highestOffset = 10_000_000;

/** A whole number; undefined where none is given, null where it is none in the range. */
function numberIn(query: URLSearchParams, key: string, least: number, most: number): number | null | undefined {
  const given = query.get(key);
  if (given === null) return undefined;
  const value = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
  return value >= least && value <= most ? value : null;
}

/** An operator of the dashboard, where the process that serves it passes on what was ordered there; null where it is nobody. */
function actorIn(query: URLSearchParams): string | null | undefined {
  const by = query.get('by');
  if (by === null) return undefined;
  return /^web:[A-Za-z0-9._-]{1,64}$/.test(by) ? by : null;
}

const strangeActor = 'by: expected web:NAME';

const logLevels = ['debug', 'info', 'warn', 'error'] as const;
/** A day: what shall last longer belongs into the configuration. */
const longestLogLevel = 86_400_000;

const traceForms: ReadonlyMap<string, { readonly form: TraceForm; readonly contentType: string }> = new Map([
  ['ladder', { form: 'ladder', contentType: 'text/plain; charset=utf-8' }],
  ['svg', { form: 'svg', contentType: 'image/svg+xml' }],
  ['steps', { form: 'steps', contentType: 'application/json' }],
  ['messages', { form: 'messages', contentType: 'text/plain; charset=utf-8' }],
  ['pcap', { form: 'pcap', contentType: 'application/vnd.tcpdump.pcap' }],
]);

/** A year: what is to be kept out for longer belongs into a firewall. */
const longestBan = 31_536_000_000;
/** What a Date can hold. */
const latestTime = 8.64e15;

/** The handler of a request, or the refusal where there is none. HEAD is answered as GET. */
export function route(
  face: Face,
  method: string,
  target: string,
): AdminReply | ((on: AdminOperations) => AdminReply | Promise<AdminReply>) {
  const [path = '', query = ''] = target.split('?', 2);
  const { pattern, id } = patternOf(path);
  const methods = Object.hasOwn(face, pattern) ? face[pattern] : undefined;
  if (methods === undefined) return refusal(404, 'no-such-path', 'there is nothing at this path');
  const asked = method === 'HEAD' ? 'GET' : method;
  const handler = Object.hasOwn(methods, asked) ? methods[asked] : undefined;
  if (handler !== undefined) return (operations) => handler(operations, id, new URLSearchParams(query));
  const allow = Object.keys(methods).join(', ');
  return { ...refusal(405, 'method-not-allowed', `this path takes ${allow}`), allow };
}

export function refusal(status: number, code: string, message: string, more: object = {}): AdminReply {
  return json(status, { error: { code, message, ...more } });
}

function patternOf(path: string): { readonly pattern: string; readonly id: string } {
  const [, first = '', second, ...rest] = path.split('/');
  if (second === undefined || second === '' || rest.length > 0) return { pattern: path, id: '' };
  try {
    return { pattern: `/${first}/:id`, id: decodeURIComponent(second) };
  } catch {
    // A malformed escape names nothing.
    return { pattern: path, id: '' };
  }
}

export function stateOf(
  operations: Pick<AdminOperations, 'isReady' | 'isDraining'>,
): 'starting' | 'ready' | 'draining' {
  if (operations.isDraining()) return 'draining';
  return operations.isReady() ? 'ready' : 'starting';
}

export function json(status: number, document: object): AdminReply {
  return { status, contentType: 'application/json', body: `${JSON.stringify(document)}\n` };
}
