// A call that rings is picked up by an INVITE with Replaces (RFC 3891 §3): whoever is being called puts another dialog of its own in the
// place of the one that rings. The caller is answered with what that INVITE offers, the INVITE with what the caller offered, and the
// phones that ring are cancelled. Pure, driven by `call-setup.ts`.
import { asAnswer } from '../../media/sdp/as-answer.ts';
import type { SessionDescription } from '../../media/sdp/session-description.ts';
import type { Body } from '../../sip/user-agent/session.ts';
import type { Attempt } from './attempt.ts';
import type { CallInput, CallOutput } from './call-event.ts';
import type { Face } from './caller-faces.ts';
import { received } from './exchange.ts';
import { relay } from './leg.ts';
import { sdpBody } from './sdp-body.ts';
import type { SetupStep } from './setup-step.ts';

export type PickUpStep =
  /** The INVITE that picks up is refused, and what rings goes on. */
  | { readonly kind: 'refused'; readonly outputs: readonly CallOutput[] }
  | {
      readonly kind: 'answered';
      readonly attempt: Attempt;
      readonly outputs: readonly CallOutput[];
      readonly next: SetupStep['next'];
    };

export class PickUp {
  readonly #attempt: Attempt;
  readonly #face: Face;
  readonly #offers: { readonly caller: SessionDescription; readonly picker: SessionDescription };

  private constructor(
    face: Face,
    offers: { readonly caller: SessionDescription; readonly picker: SessionDescription },
  ) {
    this.#attempt = face.attempt;
    this.#face = face;
    this.#offers = offers;
  }

  /** `face`: the leg that picks up, and the early dialog in which the caller is answered. Undefined: nothing in common. */
  static of(face: Face, offer: SessionDescription, body: Body | undefined): PickUp | undefined {
    const { attempt } = face;
    const picker = received(body, (bytes) => attempt.leg.sdp.receiveOffer(bytes));
    if (!picker.ok || !asAnswer(picker.value, offer).media.some((line) => line.accepted)) return undefined;
    return new PickUp(face, { caller: offer, picker: picker.value });
  }

  begin(): readonly CallOutput[] {
    const { leg } = this.#attempt;
    return [{ type: 'open-media', leg: leg.id, specs: leg.missing(this.#offers.picker) }];
  }

  /** Undefined when the input does not concern it. */
  handle(input: CallInput): PickUpStep | undefined {
    const { leg } = this.#attempt;
    if (input.type === 'media-opened' && input.leg === leg.id) {
      leg.opened(this.#offers.picker, input.endpoints);
      return this.#answer();
    }
    if (input.type === 'media-refused' && input.leg === leg.id) return { kind: 'refused', outputs: [rejected(503)] };
    if (input.type === 'pick-up-cancelled') return { kind: 'refused', outputs: [] };
    return undefined;
  }

  /** Nothing is left to be picked up. */
  giveUp(status: number): readonly CallOutput[] {
    return [rejected(status)];
  }

  #answer(): PickUpStep {
    const { leg: callee } = this.#attempt;
    const { leg: caller, number: dialog } = this.#face;
    const { caller: offered, picker } = this.#offers;
    const toPicker = callee.sdp.createAnswer(asAnswer(offered, picker), callee.locals());
    const toCaller = caller.sdp.createAnswer(asAnswer(picker, offered), caller.locals());
    for (const { sdp } of [caller, callee]) sdp.commit();
    return {
      kind: 'answered',
      attempt: this.#attempt,
      outputs: [
        ...relay(caller, callee),
        { type: 'pause-media-timeout', paused: caller.isHeld() || callee.isHeld() },
        { type: 'accept-pick-up', leg: callee.id, body: sdpBody(toPicker) },
      ],
      next: { kind: 'answered', caller, callee, dialog, toCaller, exchange: undefined },
    };
  }
}

export function rejected(status: number): CallOutput {
  return { type: 'reject-pick-up', status };
}
