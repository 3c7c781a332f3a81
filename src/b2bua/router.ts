// Which way a call may go: the first route that matches decides. Pure; what a route needs is looked up by admission.

export type RouteVia =
  | { readonly kind: 'pbx'; readonly name: string }
  | { readonly kind: 'trunk'; readonly name: string }
  | { readonly kind: 'users' };

export interface Route {
  readonly from: 'user' | 'trunk' | 'pbx';
  /** `*` for everything, `+44*` for a prefix of the canonical number or name, else the whole of it. */
  readonly to: string;
  readonly via: RouteVia;
  /** For `users`: let the next route try when the name is no user here. Only default routes do. */
  readonly passUnknown?: boolean;
}

export class Router {
  readonly #routes: readonly Route[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes;
  }

  /** The routes that match, in order. All but the first matter only behind one that passes unknown users on. */
  matches(from: Route['from'], canonical: string): readonly Route[] {
    return this.#routes.filter((route) => route.from === from && matchesPattern(route.to, canonical));
  }
}

/** How logs and `trace` name a route's target. */
export function viaName(via: RouteVia): string {
  return via.kind === 'users' ? 'users' : `${via.kind}:${via.name}`;
}

function matchesPattern(pattern: string, canonical: string): boolean {
  return pattern.endsWith('*') ? canonical.startsWith(pattern.slice(0, -1)) : canonical === pattern;
}
