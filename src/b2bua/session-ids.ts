// One Session-ID for a call on all of its legs (RFC 7989): each side's own half is passed to the other, whoever writes the
// message. Where one side has none we speak for it; where neither has one there is none.
import { type Random, token } from '../core/random.ts';
import { Headers } from '../sip/message/headers.ts';
import type { SipMessage } from '../sip/message/message.ts';
import type { LegId } from './call/call-event.ts';

export interface SessionIdsSnapshot {
  readonly halves: readonly (readonly [leg: LegId, half: string])[];
  readonly far: LegId;
  readonly own: string | undefined;
}

export class SessionIds {
  readonly #random: Random;
  readonly #halves = new Map<LegId, string>();
  /** The attempt that the caller hears of, in the end the one that it is joined to. */
  #far: LegId = 'b1';
  /** What we say for a side that has none. */
  #own: string | undefined;

  constructor(random: Random, from?: SessionIdsSnapshot) {
    this.#random = random;
    if (from === undefined) return;
    for (const [leg, half] of from.halves) this.#halves.set(leg, half);
    this.#far = from.far;
    this.#own = from.own;
  }

  snapshot(): SessionIdsSnapshot {
    return { halves: [...this.#halves], far: this.#far, own: this.#own };
  }

  /** The latest half counts: a transfer brings another endpoint, with its own (§7). */
  heard(leg: LegId, { headers }: SipMessage): void {
    if (leg !== 'a') this.#far = leg;
    const half = sessionHalf(headers);
    if (half !== undefined) this.#halves.set(leg, half);
  }

  /** The field of what goes out on that leg. */
  towards(leg: LegId): Headers {
    const [local, remote] = [this.#halves.get(leg === 'a' ? this.#far : 'a'), this.#halves.get(leg)];
    if (local === undefined && remote === undefined) return Headers.empty;
    return Headers.of(['Session-ID', `${local ?? this.#spokenFor()};remote=${remote ?? nil}`]);
  }

  #spokenFor(): string {
    this.#own ??= token(this.#random, uuidLength / 2);
    return this.#own;
  }
}

/** The sender's own half; undefined where it has none. */
export function sessionHalf(headers: Headers): string | undefined {
  const value = headers.get('Session-ID')?.slice(0, uuidLength);
  return value !== undefined && isUuid(value) && value !== nil ? value : undefined;
}

const uuidLength = 32;
/** §5: not known yet. */
const nil = '0'.repeat(uuidLength);

function isUuid(text: string): boolean {
  if (text.length !== uuidLength) return false;
  for (const character of text) if (!'0123456789abcdef'.includes(character)) return false;
  return true;
}
