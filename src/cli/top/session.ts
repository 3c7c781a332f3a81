// `portcullis top` on a screen: asks the running SBC again and again, draws what it answers, and does what keys ask for.
import type { AdminClient } from '../../admin/admin-client.ts';
import type { OverviewAnswer } from '../../admin/admin-client-answers.ts';
import type { Clock, Millis } from '../../core/clock.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { Signals } from '../command.ts';
import type { Screen } from '../screen.ts';
import { type Frame, type FrameData, frameOf, type OpenedCall } from './frame.ts';
import { keysOf } from './keys.ts';
import { painted } from './line.ts';
import { sampleOf } from './sample.ts';
import { listedPhones, press, type TopEffect, type TopState, viewOrders } from './top-state.ts';

export interface TopSessionParts {
  readonly client: AdminClient;
  readonly screen: Screen;
  readonly hasColour: boolean;
  readonly signals: Signals;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly interval: Millis;
}

/** Calls that are asked for: more than a screen has, so that a page can be turned. */
const listedCalls = 500;
const phonesInterval: Millis = 5_000;

/** Resolves when the operator has left. */
export async function showTop(parts: TopSessionParts, state: TopState): Promise<void> {
  const session = new TopSession(parts, state);
  const { screen, signals } = parts;
  screen.open();
  const forget = [
    screen.onInput((text) => session.typed(text)),
    screen.onResize(() => session.draw()),
    screen.onEnd(() => session.leave()),
    signals.on('SIGTERM', () => session.leave()),
    signals.on('SIGINT', () => session.leave()),
    signals.on('SIGHUP', () => session.leave()),
  ];
  try {
    session.begin();
    await session.left;
  } finally {
    for (const one of forget) one();
    session.end();
    screen.close();
  }
}

/** What the SBC is asked for, for what is shown. */
export function callQueryOf(state: TopState, limit: number): Parameters<AdminClient['overview']>[0] {
  const { index, reversed } = state.orders.calls;
  return {
    order: viewOrders.calls[index] ?? 'started',
    reversed,
    match: state.view === 'calls' ? state.filter : '',
    limit,
  };
}

class TopSession {
  readonly left: Promise<void>;
  readonly #parts: TopSessionParts;
  readonly #leave: () => void;
  #state: TopState;
  #data: FrameData;
  #frame: Frame | undefined;
  #before: OverviewAnswer | undefined;
  #timer: Timer | undefined;
  /** What phones were asked for last, and when. */
  #phones: { readonly key: string; readonly at: Millis } | undefined;
  /** An answer is awaited; and something else was wanted meanwhile. */
  #isAsking = false;
  #isWanted = false;
  #isOver = false;

  constructor(parts: TopSessionParts, state: TopState) {
    this.#parts = parts;
    this.#state = state;
    this.#data = { sample: undefined, now: parts.clock.wall() };
    const { promise, resolve } = Promise.withResolvers<void>();
    this.left = promise;
    this.#leave = resolve;
  }

  begin(): void {
    this.draw();
    void this.#ask();
  }

  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  leave(): void {
    this.#leave();
  }

  typed(text: string): void {
    for (const key of keysOf(text)) {
      const shown = this.#frame?.shown ?? { rows: [], page: 1, hidden: 0 };
      const { state, effects } = press(this.#state, key, shown);
      this.#state = state;
      for (const effect of effects) this.#do(effect);
      this.draw();
    }
  }

  draw(): void {
    if (this.#isOver) return;
    const { screen, hasColour } = this.#parts;
    this.#frame = frameOf(this.#state, this.#data, screen.size);
    const lines = this.#frame.lines.map((line) => `${painted(line, hasColour)}${eraseLine}`);
    screen.write(`${home}${lines.join('\r\n')}${eraseBelow}`);
  }

  #do(effect: TopEffect): void {
    switch (effect.kind) {
      case 'quit':
        this.leave();
        return;
      case 'ask':
        void this.#ask();
        return;
      case 'end-call':
        void this.#endCall(effect.call);
        return;
    }
  }

  async #endCall(call: string): Promise<void> {
    const answer = await this.#parts.client.endCall(call);
    this.#state = { ...this.#state, notice: answer.ok ? `ended ${call}` : answer.error.message };
    this.draw();
    await this.#ask();
  }

  /** Never rejects. */
  async #ask(): Promise<void> {
    this.#isWanted = this.#isAsking;
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#timer?.cancel();
    do {
      this.#isWanted = false;
      await this.#askOnce();
      this.draw();
    } while (this.#isWanted && !this.#isOver);
    this.#isAsking = false;
    if (this.#isOver) return;
    this.#timer = this.#parts.scheduler.after(
      this.#parts.interval,
      () => void (this.#state.isPaused ? this.#wait() : this.#ask()),
    );
  }

  #wait(): void {
    if (!this.#isOver)
      this.#timer = this.#parts.scheduler.after(
        this.#parts.interval,
        () => void (this.#state.isPaused ? this.#wait() : this.#ask()),
      );
  }

  async #askOnce(): Promise<void> {
    const { client, clock } = this.#parts;
    const state = this.#state;
    const answer = await client.overview(callQueryOf(state, listedCalls));
    const now = clock.wall();
    if (!answer.ok) {
      this.#data = { ...this.#data, now, failure: answer.error.message };
      return;
    }
    const sample = sampleOf(this.#before, answer.value);
    this.#before = answer.value;
    this.#data = { ...this.#data, sample, now, failure: undefined };
    if (state.mode.kind === 'call') this.#data = { ...this.#data, opened: await this.#open(state.mode.id) };
    if (state.view === 'phones') await this.#askPhones(state);
    if (state.view === 'bans') {
      const bans = await client.bans();
      if (bans.ok) this.#data = { ...this.#data, bans: bans.value };
    }
  }

  /** Each process looks through all phones for it: not with each look, unless something else is asked. */
  async #askPhones({ filter, offset }: TopState): Promise<void> {
    const { client, clock } = this.#parts;
    const asked = { match: filter, offset, limit: listedPhones };
    const key = JSON.stringify(asked);
    if (this.#phones?.key === key && clock.now() - this.#phones.at < phonesInterval) return;
    const page = await client.registrationPage(asked);
    if (!page.ok) return;
    this.#phones = { key, at: clock.now() };
    this.#data = { ...this.#data, phones: page.value };
  }

  async #open(id: string): Promise<OpenedCall> {
    const { client, screen } = this.#parts;
    const last = this.#data.opened?.id === id ? this.#data.opened : undefined;
    const detail = await client.call(id);
    const width = String(Math.max(40, Math.min(screen.size.columns, 1_000)));
    const ladder = await client.trace(id, { form: 'ladder', width });
    return {
      id,
      detail: detail.ok ? detail.value : last?.detail,
      isOver: !detail.ok && detail.error.code === 'no-such-call',
      ladder: ladder.ok ? Buffer.from(ladder.value).toString().trimEnd().split('\n') : (last?.ladder ?? []),
    };
  }
}

/** ECMA-48: to the top left, and what is behind goes. */
const home = '\u001b[H';
const eraseLine = '\u001b[K';
const eraseBelow = '\u001b[J';
