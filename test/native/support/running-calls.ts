// Calls that talk while something happens to their SBC: how long each heard nothing, and which did not go on.
import { setTimeout as pause } from 'node:timers/promises';
import type { PhoneCall } from '../../support/phone-call.ts';
import { StreamRecord } from './stream-record.ts';
import { Talkers } from './talkers.ts';

/** A call that has not heard anything for so long is lost. */
const longestSilence = 30_000;

interface Running {
  readonly call: PhoneCall;
  readonly record: StreamRecord;
  hasEnded: boolean;
}

export class RunningCalls {
  readonly #talkers: Talkers;
  readonly #running: Running[] = [];

  /** `packetTime`: between two packets of a call, in milliseconds. */
  constructor(packetTime = 20) {
    this.#talkers = new Talkers(packetTime);
  }

  add(call: PhoneCall): void {
    const running: Running = { call, record: new StreamRecord(call.media), hasEnded: false };
    this.#running.push(running);
    this.#talkers.add(call);
    void call.ended.then(() => {
      running.hasEnded = true;
      this.#talkers.remove(call);
    });
  }

  /** It is over on purpose. */
  remove(call: PhoneCall): void {
    const at = this.#running.findIndex((one) => one.call === call);
    if (at >= 0) this.#running.splice(at, 1);
    this.#talkers.remove(call);
  }

  /** Those that ended, or were silent for long, since they were added. */
  get lost(): number {
    return this.#running.filter(({ hasEnded }) => hasEnded).length + this.#silent;
  }

  #silent = 0;

  /** Packets that a phone could not use, and those whose (SSRC, index) had come before with other contents. */
  get spoilt(): { readonly unusable: number; readonly reused: number; readonly ssrcs: number } {
    const sum = (of: (one: Running) => number): number => this.#running.reduce((total, one) => total + of(one), 0);
    return {
      unusable: sum(({ call }) => call.heard.unusable),
      reused: sum(({ record }) => record.reused),
      ssrcs: Math.max(0, ...this.#running.map(({ record }) => record.ssrcs)),
    };
  }

  /** Until every call is heard; the longest time in milliseconds that one of them heard nothing since `work` was begun. */
  async gapWhile(work: Promise<unknown>): Promise<number> {
    for (const { record } of this.#running) record.takeLongestGap();
    await work;
    const before = this.#running.map((one) => ({ ...one, packets: one.record.packets }));
    const isWaited = ({ hasEnded, record, packets }: (typeof before)[number]): boolean =>
      !hasEnded && record.packets < packets + 2;
    const end = performance.now() + longestSilence;
    while (before.some(isWaited) && performance.now() < end) await pause(10);
    this.#silent += before.filter(isWaited).length;
    return Math.max(0, ...this.#running.map(({ record }) => record.takeLongestGap()));
  }

  stop(): void {
    this.#talkers.finish();
  }

  /** An SBC that ends waits for its calls. */
  hangUp(): void {
    for (const { call } of this.#running) void call.hangUp();
  }
}
