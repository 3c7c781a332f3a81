// What the caller is told of the early dialogs of its callees: each that describes media is an early dialog of the caller's
// too, with a To-tag of its own, since one dialog has one answer (RFC 3261 §13.2.1). What describes none is told in the first.
import type { SdpLeg } from '../../media/sdp/sdp-leg.ts';
import type { Attempt } from './attempt.ts';
import type { Leg } from './leg.ts';

export interface Face {
  readonly number: number;
  readonly attempt: Attempt;
  /** The callee's early dialog. */
  readonly earlyId: string;
  /** The caller's leg as this dialog sees it. */
  readonly leg: Leg;
  /** The answer was sent in a provisional that must arrive (RFC 3262): it stands. */
  isAgreed: boolean;
}

/** Descriptions of more forks than this are not passed on before the answer. */
export const maxFaces = 8;

export class CallerFaces {
  readonly #caller: Leg;
  readonly #faces: Face[] = [];

  constructor(caller: Leg) {
    this.#caller = caller;
  }

  /** What the caller was told of that early dialog, or what it would be told it in; `keep` makes it so. */
  of(attempt: Attempt, earlyId: string): Face {
    const known = this.find(attempt, earlyId);
    if (known !== undefined) return known;
    const leg = this.#caller.withSdp(this.#caller.sdp.fork());
    return { number: this.#faces.length, attempt, earlyId, leg, isAgreed: false };
  }

  keep(face: Face): void {
    if (this.#faces[face.number] === undefined) this.#faces.push(face);
  }

  find(attempt: Attempt, earlyId: string): Face | undefined {
    return this.#faces.find((face) => face.attempt === attempt && face.earlyId === earlyId);
  }

  get hasAgreed(): boolean {
    return this.#faces.some(({ isAgreed }) => isAgreed);
  }

  numbered(number: number): Face | undefined {
    return this.#faces[number];
  }
}

/** The callee's side of a face, when both sides have settled their first offer so that another may follow (RFC 3311 §5.1). */
export function settled(face: Face | undefined): SdpLeg | undefined {
  const early = face?.attempt.early.get(face.earlyId);
  return face?.isAgreed === true && early?.phase === 'stable' ? early : undefined;
}
