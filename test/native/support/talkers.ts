// Many calls that talk at once: one timer sends for all of them, and what comes back of it is counted.
import { setTimeout as pause } from 'node:timers/promises';
import type { PhoneCall } from '../../support/phone-call.ts';

/** A packet that was not back by then is lost. */
const longestWay = 2_000;
/** The packets of one time leave in so many bursts, not in one. */
const slots = 4;

export interface Losses {
  readonly sent: number;
  readonly lost: number;
  /** Of the call that lost most. */
  readonly worst: number;
}

export class Talkers {
  readonly #calls: PhoneCall[] = [];
  readonly #timer: NodeJS.Timeout;
  #slot = 0;
  readonly #start = performance.now();
  #ticks = 0;
  readonly #packetTime: number;
  #isSilent = false;

  /** `packetTime`: between two packets of a call, in milliseconds. */
  constructor(packetTime = 20) {
    this.#packetTime = packetTime;
    this.#timer = setInterval(() => this.#tick(), packetTime / slots);
  }

  add(call: PhoneCall): void {
    this.#calls.push(call);
  }

  remove(call: PhoneCall): void {
    const at = this.#calls.indexOf(call);
    if (at >= 0) this.#calls.splice(at, 1);
  }

  /** Nothing is sent until what is on its way has come, or will not come; resolves with what was lost since the calls began. */
  async settle(calls: readonly PhoneCall[]): Promise<Losses> {
    this.#isSilent = true;
    const deadline = performance.now() + longestWay;
    while (lossesOf(calls).lost > 0 && performance.now() < deadline) await pause(this.#packetTime);
    this.#isSilent = false;
    return lossesOf(calls);
  }

  finish(): void {
    clearInterval(this.#timer);
  }

  /** A timer that was late makes up for it: a phone does so too, by its sound card. */
  #tick(): void {
    // What is not said in a silence is not made up for after it.
    const due = ((performance.now() - this.#start) * slots) / this.#packetTime;
    // After a stall of this process a flood would say nothing of the SBC.
    this.#ticks = Math.max(this.#ticks, this.#isSilent ? due : due - 10 * slots);
    for (; this.#ticks < due; this.#ticks += 1) {
      this.#slot = (this.#slot + 1) % slots;
      for (let at = this.#slot; at < this.#calls.length; at += slots) this.#calls[at]?.media.sendPacket();
    }
  }
}

/** What each call sent to an echo, and did not hear again. */
function lossesOf(calls: readonly PhoneCall[]): Losses {
  const each = calls.map(({ media, heard }) => ({ sent: media.sent, lost: Math.max(0, media.sent - heard.packets) }));
  return {
    sent: each.reduce((sum, { sent }) => sum + sent, 0),
    lost: each.reduce((sum, { lost }) => sum + lost, 0),
    worst: Math.max(0, ...each.map(({ lost }) => lost)),
  };
}
