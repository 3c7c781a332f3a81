// Who is signed in. A session is known by a random id that only its browser has: here is a hash of it, in memory, so that neither a dump
// nor a restart gives anybody a session; an upgrade passes it on to the next process. It ends when nothing was done for a while, and in
// any case some time after the sign-in.
import { createHash, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
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

/** As one process passes it on to the next: the two have clocks of their own, so that times are spans. */
const passedSession = z.object({
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string(),
  account: z.object({ role: z.enum(['admin', 'viewer']), createdAt: z.number() }),
  csrf: z.string().min(tokenBytes),
  endsIn: z.number(),
  idleFor: z.number().min(0),
});
export type PassedSession = z.infer<typeof passedSession>;
const passedSessions = z.array(passedSession).max(mostSessions);

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

  /** For the process that takes this one's place. */
  passOn(): readonly PassedSession[] {
    this.#forgetOver();
    const now = this.#clock.now();
    return Array.from(this.#sessions, ([hash, { name, account, csrf, endsAt, seenAt }]) => {
      return { hash, name, account, csrf, endsIn: endsAt - now, idleFor: now - seenAt };
    });
  }

  /** What `passOn` of the process before gave; what is none of it counts as nothing. None lasts longer than one that begins now. */
  takeOver(passed: unknown): void {
    const read = passedSessions.safeParse(passed);
    if (!read.success) return;
    const now = this.#clock.now();
    for (const { hash, endsIn, idleFor, ...session } of read.data) {
      const endsAt = now + Math.min(endsIn, this.#times.lifetime);
      this.#sessions.set(hash, { ...session, endsAt, seenAt: now - idleFor });
    }
    this.#forgetOver();
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
