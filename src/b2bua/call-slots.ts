// The slots that one call holds in the store. The store may be slow, silent or broken: it has a deadline, and what it grants
// after that is given back.
import type { Millis } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Claim, Refusal } from '../policy/verdict.ts';
import type { B2buaParts } from './b2bua-parts.ts';
import { storeFailure } from './call/reason.ts';

export type CallSlotsParts = Pick<B2buaParts, 'reservations' | 'scheduler' | 'limits' | 'logger'>;

export class CallSlots {
  readonly #call: string;
  readonly #parts: CallSlotsParts;

  constructor(call: string, parts: CallSlotsParts) {
    this.#call = call;
    this.#parts = parts;
  }

  /** `onAnswer` runs exactly once, with the refusal unless all claims were granted. */
  reserve(claims: readonly Claim[], onAnswer: (refusal: Refusal | undefined, longest?: Millis) => void): void {
    const { reservations, scheduler, limits } = this.#parts;
    let isAnswered = false;
    const answer = (refusal: Refusal | undefined, longest?: Millis): void => {
      if (isAnswered) return;
      isAnswered = true;
      deadline.cancel();
      onAnswer(refusal, longest);
    };
    const deadline = scheduler.after(limits.storeDeadline, () => {
      this.release(claims);
      answer(storeFailure(`no answer within ${limits.storeDeadline} ms`));
    });
    reservations.reserve(this.#call, claims).then(
      (outcome) => {
        if (outcome.kind === 'full') answer(outcome.claim.refusal);
        else if (isAnswered) this.release(claims);
        else answer(undefined, outcome.longest);
      },
      (thrown: unknown) => answer(storeFailure(messageOf(thrown))),
    );
  }

  /** Gives these back, or everything that the call holds; `used` is how long it was answered. */
  release(claims?: readonly Claim[], used?: Millis): void {
    const keys = claims?.map((claim) => claim.key);
    this.#parts.reservations.release(this.#call, keys, used).catch((thrown: unknown) => {
      this.#parts.logger.error('release-failed', { error: messageOf(thrown) });
    });
  }
}
