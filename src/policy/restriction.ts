// What the detection of fraud holds against somebody for a while. Policy refuses what a restriction names.
import type { NumberClass } from './number-class.ts';
import type { CallTraits } from './selector.ts';

export interface Restriction {
  /** The rule of fraud detection that acted. */
  readonly rule: string;
  /** `user:alice@pbx.test`, `trunk:carrier`. */
  readonly subject: string;
  /** Calls of this class only; undefined for all of them. */
  readonly of: NumberClass | undefined;
}

/** The first restriction that speaks of this call. An emergency call is not asked about. */
export function restrictionOn(
  restrictions: readonly Restriction[],
  { user, trunks, classes }: CallTraits,
): Restriction | undefined {
  return restrictions.find(({ subject, of }) => {
    const isMeant = subject === `user:${user}` || trunks.some((trunk) => subject === `trunk:${trunk}`);
    return isMeant && (of === undefined || classes.includes(of));
  });
}
