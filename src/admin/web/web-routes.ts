// What the page asks and orders, each by a path under /api. Reading needs a session; changing needs the token of its page and a role.
import { usualRegistrationLimit } from '../registration-query.ts';
import { type AdminReply, callQueryOf, json, refusal, registrationQueryOf, stateOf } from '../routes.ts';
import type { WebOperations } from './web-operations.ts';
import type { WebSession } from './web-sessions.ts';

export interface WebQuestion {
  readonly id: string;
  readonly query: URLSearchParams;
  readonly session: WebSession;
}

export interface WebRoute {
  readonly method: 'GET' | 'POST';
  /** Changes something: the token of the page is asked for, and the role of an administrator. */
  readonly isChange: boolean;
  readonly answer: (operations: WebOperations, question: WebQuestion) => AdminReply | Promise<AdminReply>;
}

/** The route of a path, and what stands for its `:id`. */
export function webRouteOf(path: string): { readonly route: WebRoute; readonly id: string } | undefined {
  for (const [pattern, route] of routes) {
    const id = matched(pattern, path);
    if (id !== undefined) return { route, id };
  }
  return undefined;
}

function reading(answer: WebRoute['answer']): WebRoute {
  return { method: 'GET', isChange: false, answer };
}

function changing(answer: WebRoute['answer']): WebRoute {
  return { method: 'POST', isChange: true, answer };
}

const routes: readonly (readonly [pattern: string, route: WebRoute])[] = [
  [
    '/api/overview',
    reading(async (operations, { query }) => {
      const asked = callQueryOf(query);
      if (typeof asked === 'string') return refusal(400, 'malformed', asked);
      const overview = await operations.overview(asked);
      return json(200, { version: operations.version, state: stateOf(operations), ...overview });
    }),
  ],
  [
    '/api/history',
    reading((operations, { query }) => {
      const span = query.get('span') ?? 'hour';
      if (span !== 'hour' && span !== 'day') return refusal(400, 'malformed', 'span: expected hour or day');
      return json(200, operations.history(span));
    }),
  ],
  ['/api/recent', reading(async (operations) => json(200, { calls: await operations.recentCalls() }))],
  ['/api/alerts', reading(async (operations) => json(200, { alerts: await operations.alerts() }))],
  ['/api/bans', reading(async (operations) => json(200, { bans: await operations.bans() }))],
  [
    '/api/registrations',
    reading(async (operations, { query }) => {
      const asked = registrationQueryOf(query);
      if (typeof asked === 'string') return refusal(400, 'malformed', asked);
      const { match, limit = usualRegistrationLimit } = asked;
      return json(200, await operations.registrations({ match, limit }));
    }),
  ],
  [
    '/api/calls/:id',
    reading(async (operations, { id }) => {
      const detail = await operations.call(id);
      return detail === undefined ? noSuchCall(id) : json(200, detail);
    }),
  ],
  ['/api/calls/:id/ladder', traced('steps', 'application/json')],
  ['/api/calls/:id/ladder.svg', traced('svg', 'image/svg+xml')],
  ['/api/calls/:id/trace.pcap', traced('pcap', 'application/vnd.tcpdump.pcap')],
  [
    '/api/calls/:id/end',
    changing(async (operations, { id, session }) =>
      (await operations.endCall(id, actorOf(session))) ? json(200, { ended: id }) : noSuchCall(id),
    ),
  ],
  [
    '/api/bans/:id/lift',
    changing(async (operations, { id, session }) => {
      const lifted = await operations.liftBans(id, actorOf(session));
      return lifted > 0 ? json(200, { lifted }) : refusal(404, 'no-such-ban', `there is no ban of ${id}`);
    }),
  ],
];

/** As the audit log names who acts over the network. */
export function actorOf({ name }: WebSession): string {
  return `web:${name}`;
}

function traced(form: 'steps' | 'svg' | 'pcap', contentType: string): WebRoute {
  return reading(async (operations, { id }) => {
    const body = await operations.trace(id, form);
    if (body === undefined) return refusal(404, 'no-such-trace', `no message of a call ${id} is in memory`);
    return { status: 200, contentType, body };
  });
}

function noSuchCall(id: string): AdminReply {
  return refusal(404, 'no-such-call', `there is no call ${id}`);
}

/** Undefined where the path is another one; what stands in the place of `:id`, decoded, or an empty text. */
function matched(pattern: string, path: string): string | undefined {
  const [asked, given] = [pattern.split('/'), path.split('/')];
  if (asked.length !== given.length) return undefined;
  let id = '';
  for (const [index, part] of asked.entries()) {
    const value = given[index] ?? '';
    if (part !== ':id') {
      if (part !== value) return undefined;
      continue;
    }
    try {
      id = decodeURIComponent(value);
    } catch {
      // A malformed escape names nothing.
      return undefined;
    }
    if (id === '') return undefined;
  }
  return id;
}
