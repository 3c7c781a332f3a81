// Credentials that were opened before, so that a user who registers every few minutes costs no AES each time. Each is kept beside the
// sealed text that it was opened from, and holds for that text alone: a row that anybody has changed since is opened anew.
import type { Ha1ByAlgorithm } from '../../sip/auth/credentials.ts';
import type { SealedCredentials } from './sealed-credentials.ts';

/** Users whose credentials are kept in memory, a kilobyte each; beyond it those who came longest ago are let go. */
export const mostOpened = 20_000;

interface Opened {
  readonly sealed: string;
  readonly ha1: Ha1ByAlgorithm;
}

export class OpenedCredentials {
  readonly #sealing: Pick<SealedCredentials, 'open'>;
  readonly #most: number;
  /** The one that was asked for longest ago first. */
  readonly #opened = new Map<string, Opened>();

  constructor(sealing: Pick<SealedCredentials, 'open'>, most = mostOpened) {
    this.#sealing = sealing;
    this.#most = most;
  }

  get size(): number {
    return this.#opened.size;
  }

  /** `isKnown`: nothing had to be opened. Throws SbcError `credentials-not-opened`. */
  open(sealed: string, owner: string): { readonly ha1: Ha1ByAlgorithm; readonly isKnown: boolean } {
    const known = this.#opened.get(owner);
    this.#opened.delete(owner);
    const isKnown = known?.sealed === sealed;
    const opened = isKnown ? known : { sealed, ha1: this.#sealing.open(sealed, owner) };
    if (this.#opened.size >= this.#most) this.#makeRoom();
    this.#opened.set(owner, opened);
    return { ha1: opened.ha1, isKnown };
  }

  /** A tenth at a time: to take one out of the front of a map for each that comes costs its whole length now and then. */
  #makeRoom(): void {
    let left = Math.ceil(this.#most / 10);
    for (const owner of this.#opened.keys()) {
      if (left === 0) return;
      this.#opened.delete(owner);
      left -= 1;
    }
  }
}
