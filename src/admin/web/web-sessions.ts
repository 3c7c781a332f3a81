// Who is signed in. A session is known by a random id that only its browser has: here is a hash of it, in memory, so that neither a dump
// nor a restart gives anybody a session. It ends when nothing was done for a while, and in any case some time after the sign-in.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock, Millis } from '../../core/clock.ts';
import { type Random, token } from '../../core/random.ts';
import type { WebAccount } from './web-operations.ts';

export interface WebSession {
  readonly name: string;
  readonly account: WebAccount;
  /** Comes back with every change, from a page that could read it: another site's cannot. */
  readonly csrf: string;
  readonly endsAt: Millis;
}

export interface SessionTimes {
  /** Without anything that an operator does. */
  readonly idle: Millis;
  /** From sign-in to the end, whatever is done. */
  readonly lifetime: Millis;
}

/** Sessions of one account, and of all; the oldest goes for a new one. */
export const mostSessionsOfAccount = 8;
export const mostSessions = 256;
/** Of an id and of a token: nobody guesses 256 bits. */
const tokenBytes = 32;

interface Kept extends WebSession {
  seenAt: Millis;
}

export class WebSessions {
  readonly #times: SessionTimes;
  readonly #clock: Clock;
  readonly #random: Random;
  /** By the hash of the id, the oldest first. */
  readonly #sessions = new Map<string, Kept>();

  constructor(times: SessionTimes, clock: Clock, random: Random) {
    this.#times = times;
    this.#clock = clock;
    this.#random = random;
  }

  get active(): number {
    this.#forgetOver();
    return this.#sessions.size;
  }

  /** The id is told this once. */
  open(name: string, account: WebAccount): { readonly id: string; readonly session: WebSession } {
    this.#forgetOver();
    const own = [...this.#sessions].filter(([, session]) => session.name === name).map(([hash]) => hash);
    for (const hash of own.slice(0, Math.max(0, own.length - mostSessionsOfAccount + 1))) this.#sessions.delete(hash);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= mostSessions && oldest !== undefined) this.#sessions.delete(oldest);
    const id = token(this.#random, tokenBytes);
    const now = this.#clock.now();
    const session = {
      name,
      account,
      csrf: token(this.#random, tokenBytes),
      endsAt: now + this.#times.lifetime,
      seenAt: now,
    };
    this.#sessions.set(hashOf(id), session);
    return { id, session };
  }

  /** `isActive`: an operator did something, so that the session stays. */
  find(id: string, isActive: boolean): WebSession | undefined {
    const hash = hashOf(id);
    const session = this.#sessions.get(hash);
    if (session === undefined) return undefined;
    const now = this.#clock.now();
    if (this.#isOver(session, now)) {
      this.#sessions.delete(hash);
      return undefined;
    }
    if (isActive) session.seenAt = now;
    return session;
  }

  close(id: string): void {
    this.#sessions.delete(hashOf(id));
  }

  #forgetOver(): void {
    const now = this.#clock.now();
    for (const [hash, session] of this.#sessions) if (this.#isOver(session, now)) this.#sessions.delete(hash);
  }

  #isOver({ seenAt, endsAt }: Kept, now: Millis): boolean {
    return now >= endsAt || now - seenAt >= this.#times.idle;
  }
}

/** In a time that does not depend on where they differ. */
export function isSameSecret(expected: string, given: string): boolean {
  return timingSafeEqual(createHash('sha256').update(expected).digest(), createHash('sha256').update(given).digest());
}

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}
