// What is served beside calls, as the configuration says it.
import type { Millis } from '../../core/clock.ts';
import type { RouteVia } from './router.ts';

export interface MethodPolicy {
  readonly messages: MessagePolicy;
  /** Content types of INFO that cross in a call (RFC 6086 §4: legacy use, such as `application/dtmf-relay`). */
  readonly info: readonly string[];
  /** What becomes of a REFER in a call: refused, or carried out here as a new call. */
  readonly refer: 'refuse' | 'handle';
  readonly subscriptions: SubscriptionPolicy;
  /** How many redirects one call may follow. */
  readonly redirects: number;
  /** How long the phones of a user that registered with one q ring before those of the next. */
  readonly stageTimeout: Millis;
  /** How many calls of one sender may be set up at once that show one caller and are to one number; one more is taken for a loop. */
  readonly identicalSetups: number;
}

export interface MessagePolicy {
  readonly relay: boolean;
  /** RFC 3428 §8: 1,300 unless the transport is known to bear more. */
  readonly maxBytes: number;
  /** In lower case, without parameters. */
  readonly contentTypes: readonly string[];
}

/** Packages whose bodies we know how to let across. */
export type EventPackage = 'message-summary' | 'dialog' | 'presence';

export interface SubscriptionPolicy {
  readonly relay: boolean;
  readonly packages: readonly EventPackage[];
  /** Whose events they are; undefined: there is no PBX. */
  readonly via: RouteVia | undefined;
  readonly minSeconds: number;
  readonly maxSeconds: number;
  readonly perUser: number;
  readonly total: number;
  /** Of the body of one notification. */
  readonly maxBytes: number;
  /** The PBX may tell a phone of its messages without being asked. */
  readonly unsolicited: boolean;
}

/** Why a body may not cross, as a status; undefined: it may. */
export function bodyRefusal(
  contentType: string | undefined,
  sizeBytes: number,
  { maxBytes, contentTypes }: Pick<MessagePolicy, 'maxBytes' | 'contentTypes'>,
): 413 | 415 | undefined {
  if (sizeBytes > maxBytes) return 413;
  const [type = ''] = (contentType ?? '').split(';', 1);
  return contentTypes.includes(type.trim().toLowerCase()) ? undefined : 415;
}
