// What the detection of fraud holds against somebody for a while. Policy refuses what a restriction names.
import type { NumberClass } from './number-class.ts';

export interface Restriction {
  /** The rule of fraud detection that acted. */
  readonly rule: string;
  /** `user:alice@pbx.test`, `trunk:carrier`, `pbx:main`. */
  readonly subject: string;
  /** Calls of this class only; undefined for all of them. */
  readonly of: NumberClass | undefined;
}

/** What holds against a subject now. */
export type RestrictionsOn = (subject: string) => readonly Restriction[];

/** The first restriction against one of `subjects` that speaks of a call of these classes. An emergency call is not asked about. */
export function restrictionOn(
  restrictions: RestrictionsOn,
  subjects: readonly string[],
  classes: readonly NumberClass[],
): Restriction | undefined {
  for (const subject of subjects) {
    const found = restrictions(subject).find(({ of }) => of === undefined || classes.includes(of));
    if (found !== undefined) return found;
  }
  return undefined;
}
