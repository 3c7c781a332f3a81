// The headers by which a notification says what it is about and how its subscription stands: Event and Subscription-State (RFC 6665
// §8.2.1, §8.2.3, §8.4).
import { parseSeconds } from './header-fields.ts';

export interface EventName {
  /** Case-sensitive. */
  readonly package: string;
  /** Tells subscriptions of one package in one dialog apart. */
  readonly id: string | undefined;
}

export type TerminationReason =
  | 'deactivated'
  | 'probation'
  | 'rejected'
  | 'timeout'
  | 'giveup'
  | 'noresource'
  | 'invariant';

export type SubscriptionState =
  | { readonly kind: 'active' | 'pending'; readonly expires: number | undefined }
  /** Times in seconds. */
  | {
      readonly kind: 'terminated';
      readonly reason: TerminationReason | undefined;
      readonly retryAfter: number | undefined;
    };

/** Undefined when it cannot be read. */
export function parseEvent(text: string | undefined): EventName | undefined {
  const [name = '', ...parameters] = (text ?? '').split(';');
  const eventPackage = name.trim();
  const id = parameterOf(parameters, 'id');
  if (!isToken(eventPackage) || (id !== undefined && !isToken(id))) return undefined;
  return { package: eventPackage, id };
}

export function formatEvent({ package: name, id }: EventName): string {
  return id === undefined ? name : `${name};id=${id}`;
}

export function sameEvent(a: EventName, b: EventName): boolean {
  return a.package === b.package && a.id === b.id;
}

/** Undefined when it cannot be read, or names a state that is none of the three. */
export function parseSubscriptionState(text: string | undefined): SubscriptionState | undefined {
  const [name = '', ...parameters] = (text ?? '').split(';');
  const kind = name.trim().toLowerCase();
  switch (kind) {
    case 'active':
    case 'pending':
      return { kind, expires: parseSeconds(parameterOf(parameters, 'expires')) };
    case 'terminated': {
      const reason = parameterOf(parameters, 'reason')?.toLowerCase();
      return {
        kind,
        // One that is not known is treated as if there were none (§4.1.3).
        reason: terminationReasons.find((known) => known === reason),
        retryAfter: parseSeconds(parameterOf(parameters, 'retry-after')),
      };
    }
    default:
      return undefined;
  }
}

export function formatSubscriptionState(state: SubscriptionState): string {
  if (state.kind !== 'terminated') {
    return state.expires === undefined ? state.kind : `${state.kind};expires=${state.expires}`;
  }
  const reason = state.reason === undefined ? '' : `;reason=${state.reason}`;
  return `terminated${reason}${state.retryAfter === undefined ? '' : `;retry-after=${state.retryAfter}`}`;
}

const terminationReasons: readonly TerminationReason[] = [
  'deactivated',
  'probation',
  'rejected',
  'timeout',
  'giveup',
  'noresource',
  'invariant',
];

function parameterOf(parameters: readonly string[], name: string): string | undefined {
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    if (equals > 0 && parameter.slice(0, equals).trim().toLowerCase() === name)
      return parameter.slice(equals + 1).trim();
  }
  return undefined;
}

function isToken(text: string): boolean {
  return text.length <= 128 && /^[A-Za-z0-9.!%*_+`'~-]+$/.test(text);
}
