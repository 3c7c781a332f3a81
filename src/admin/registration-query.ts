// Some of the phones that are registered: those that match, a page of them. Of several processes each knows all, so each lists the same.
import type { RegistrationView } from './operations.ts';

export interface RegistrationQuery {
  /** Part of a user, a contact or a user agent; upper and lower case are the same. Empty: all. */
  readonly match: string;
  /** Undefined: all of them, in no order; else the first by user and contact. */
  readonly limit: number | undefined;
  /** Of those that match, so many come before; absent: none. For `limit` alone. */
  readonly offset?: number | undefined;
}

export interface RegistrationPage<T = RegistrationView> {
  /** How many match, of which `registrations` has a page. */
  readonly matching: number;
  readonly registrations: readonly T[];
}

export const mostListedRegistrations = 1_000;
/** Of a screen. */
export const usualRegistrationLimit = 200;

export function selectRegistrations<T extends SelectableRegistration>(
  all: readonly T[],
  { match, limit, offset = 0 }: RegistrationQuery,
): RegistrationPage<T> {
  const wanted = match.toLowerCase();
  const found =
    wanted === ''
      ? all
      : all.filter(({ aor, contact, userAgent = '' }) =>
          `${aor} ${contact} ${userAgent}`.toLowerCase().includes(wanted),
        );
  const registrations = limit === undefined ? found : found.toSorted(byUser).slice(offset, offset + limit);
  return { matching: found.length, registrations };
}

/** A row, as it is here or in an answer. */
interface SelectableRegistration {
  readonly aor: string;
  readonly contact: string;
  readonly userAgent?: string | undefined;
}

/** By code units: thousands are compared, and that they are so alike everywhere is all that matters. */
function byUser(one: SelectableRegistration, other: SelectableRegistration): number {
  if (one.aor !== other.aor) return one.aor < other.aor ? -1 : 1;
  return one.contact < other.contact ? -1 : 1;
}
