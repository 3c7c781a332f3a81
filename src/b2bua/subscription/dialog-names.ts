// What a phone is told the dialogs of a PBX are called (RFC 4235 §4.1): a Call-ID of the inside may name its hosts, so that a name of ours
// stands for it. A phone that picks a call up says that name, and the PBX is told its own again (RFC 3891).
import { type Random, token } from '../../core/random.ts';

/** Dialogs of one subscription that are known; the oldest are forgotten. */
export const maxDialogNames = 64;

export class DialogNames {
  readonly #random: Random;
  readonly #names = new Map<string, string>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** The same for the same Call-ID. */
  nameOf(callId: string): string {
    const name = this.#names.get(callId) ?? token(this.#random, 16);
    this.#names.delete(callId);
    this.#names.set(callId, name);
    const [oldest] = this.#names.keys();
    if (this.#names.size > maxDialogNames && oldest !== undefined) this.#names.delete(oldest);
    return name;
  }

  callIdOf(name: string): string | undefined {
    return [...this.#names].find(([, one]) => one === name)?.[0];
  }
}
