// Which way a call may go: the first route that matches decides. Pure; what a route needs is looked up by admission.
import type { NumberPattern } from '../../core/number-pattern.ts';
import { type HoursCondition, holds, type LocalTimeIn, timeText } from '../../policy/calling-hours.ts';

export type RouteVia =
  | { readonly kind: 'pbx'; readonly name: string }
  | { readonly kind: 'trunk'; readonly name: string }
  /** Several of them, by priority and weight. */
  | { readonly kind: 'group'; readonly name: string }
  | { readonly kind: 'users' };

export interface Route {
  /** As the configuration calls it; else `route 3`. */
  readonly name: string;
  readonly from: 'user' | 'trunk' | 'pbx';
  /** Whose calls: AoRs, or names of trunks or PBXs. Absent: all of that kind. */
  readonly callers?: ReadonlySet<string> | undefined;
  /** Of users: those of one of these groups. */
  readonly groups?: ReadonlySet<string> | undefined;
  readonly listeners?: ReadonlySet<string> | undefined;
  /** When it is taken; absent: always. */
  readonly hours?: HoursCondition | undefined;
  /** One of them must match the canonical number or name. */
  readonly to: readonly NumberPattern[];
  /** In the order of trying. */
  readonly via: readonly RouteVia[];
  /** For `users`: let the next route try when the name is no user here. Only default routes do. */
  readonly passUnknown?: boolean;
}

/** What routes ask about a call. */
export interface RouteQuery {
  readonly from: Route['from'];
  /** The AoR, or the name of the trunk or PBX. */
  readonly caller: string;
  /** Of a user who is in one. */
  readonly group: string | undefined;
  readonly listener: string;
  readonly canonical: string;
  /** Undefined: hours do not matter. */
  readonly localTime: LocalTimeIn | undefined;
}

export interface PassedRoute {
  readonly route: Route;
  /** The first thing that did not fit. */
  readonly why: string;
}

export class Router {
  readonly #routes: readonly Route[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes;
  }

  /** The routes that match, in order. All but the first matter only behind one that passes unknown users on. */
  matches(query: RouteQuery): readonly Route[] {
    return this.#routes.filter((route) => misfit(route, query) === undefined);
  }

  /** The routes before the first that matches, and why they do not. */
  passed(query: RouteQuery): readonly PassedRoute[] {
    const passed: PassedRoute[] = [];
    for (const route of this.#routes) {
      const why = misfit(route, query);
      if (why === undefined) break;
      passed.push({ route, why });
    }
    return passed;
  }
}

/** How logs and `trace` name a route's target. */
export function viaName(via: RouteVia): string {
  return via.kind === 'users' ? 'users' : `${via.kind}:${via.name}`;
}

function misfit(route: Route, query: RouteQuery): string | undefined {
  const { from, caller, group, listener, canonical, localTime } = query;
  if (route.from !== from) return `it is for calls from a ${route.from}, and this one comes from a ${from}`;
  if (route.callers?.has(caller) === false) return `${caller} is not among its callers`;
  if (route.groups !== undefined && (group === undefined || !route.groups.has(group))) {
    return group === undefined ? `${caller} is in no group` : `${caller} is in ${group}, which is not among its groups`;
  }
  if (route.listeners?.has(listener) === false) return `${listener} is not among its listeners`;
  if (!route.to.some((pattern) => pattern.match(canonical) !== undefined)) {
    return `${canonical} does not match ${route.to.map(({ text }) => text).join(', ')}`;
  }
  const { hours } = route;
  return hours === undefined || localTime === undefined ? undefined : untimely(hours, localTime);
}

function untimely(hours: HoursCondition, localTime: LocalTimeIn): string | undefined {
  const { name, zone } = hours.schedule;
  const at = localTime(zone);
  return holds(hours, at) ? undefined : `it is for when ${name} is ${hours.when}, and it is ${timeText(at)} ${zone}`;
}
