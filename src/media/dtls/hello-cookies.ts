// Cookies that prove that a source hears what is sent to it, without keeping anything about it (RFC 6347 §4.2.1).
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock, Millis } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { PacketMemory } from '../rtp/packet-memory.ts';
import { type ClientHello, randomBytes } from './client-hello.ts';

/** How long a cookie is good for, at least; at most twice as long. */
const slotMillis: Millis = 30_000;
const cookieBytes = 20;

export class HelloCookies {
  readonly #memory: PacketMemory;
  readonly #clock: Clock;
  readonly #secret: Uint8Array;

  constructor(memory: PacketMemory, clock: Clock, random: Random) {
    this.#memory = memory;
    this.#clock = clock;
    this.#secret = Uint8Array.from(random.bytes(32));
  }

  /** For this ClientHello from `source` (address and port, as text) to one socket. */
  bake(hello: ClientHello, source: string, socket: number): Uint8Array {
    return this.#of(hello, source, socket, this.#slot());
  }

  isOurs(hello: ClientHello, source: string, socket: number): boolean {
    if (hello.cookieBytes !== cookieBytes) return false;
    const cookie = this.#memory.bytes.subarray(hello.cookie, hello.cookie + cookieBytes);
    const slot = this.#slot();
    return [slot, slot - 1].some((one) => timingSafeEqual(this.#of(hello, source, socket, one), cookie));
  }

  #of({ random }: ClientHello, source: string, socket: number, slot: number): Uint8Array {
    return createHmac('sha256', this.#secret)
      .update(`${source} ${socket} ${slot} `)
      .update(this.#memory.bytes.subarray(random, random + randomBytes))
      .digest()
      .subarray(0, cookieBytes);
  }

  #slot(): number {
    return Math.floor(this.#clock.now() / slotMillis);
  }
}
