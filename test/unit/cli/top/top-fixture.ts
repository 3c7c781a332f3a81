// Answers of an SBC as `portcullis top` gets them, and screens that need no terminal.
import { stripVTControlCharacters } from 'node:util';
import type { OverviewAnswer } from '../../../../src/admin/admin-client-answers.ts';
import type { OverviewView } from '../../../../src/admin/overview.ts';
import type { Screen } from '../../../../src/cli/screen.ts';
import { type FrameData, frameOf, type Size } from '../../../../src/cli/top/frame.ts';
import { painted } from '../../../../src/cli/top/line.ts';
import { sampleOf } from '../../../../src/cli/top/sample.ts';
import type { TopState } from '../../../../src/cli/top/top-state.ts';

export const at = Date.UTC(2026, 0, 5, 10, 0, 0);

const quality = { loss: 0.001, jitter: 2.13, oneWay: false, encryption: ['SDES AES_CM_128_HMAC_SHA1_80', 'none'] };

export function overviewOf(more: Partial<OverviewAnswer> = {}): OverviewAnswer {
  return {
    at,
    version: '9.8.7',
    state: 'ready',
    node: 'edge1',
    startedAt: at - 11_564_000,
    calls: { active: 3, answered: 1_204, unanswered: 61, refused: 33 },
    relayed: 0,
    refusals: { 'concurrent-calls': 20, 'no-route': 12, 'zone-denied': 1 },
    media: {
      received: { packets: 1_000_000, bytes: 172_000_000 },
      sent: { packets: 999_000, bytes: 171_000_000 },
      dropped: { foreign: 17 },
    },
    workers: [
      { alive: true, driver: 'io_uring', sessions: 2, ran: 90_000, packets: 1_200_000, dropped: 17 },
      { alive: false, driver: undefined, sessions: 0, ran: undefined, packets: 0, dropped: 0 },
    ],
    process: { ran: 60_000, residentBytes: 148_000_000, lag: 1.2 },
    registrations: 14,
    subscriptions: 0,
    bans: 2,
    holds: 1,
    trunks: [
      { name: 'carrier', up: true, registered: true, calls: 2 },
      { name: 'backup', up: false, calls: 0 },
      { name: 'legacy', calls: 0 },
    ],
    quality: { calls: 2, mos: 3.71, worst: 3.02, loss: 0.0132 },
    matching: 3,
    list: [
      {
        id: '3f2a8c51d0e94b77',
        state: 'connected',
        caller: 'alice@pbx.test',
        callee: 'bob',
        dialled: '600',
        startedAt: at - 41_000,
        answeredAt: at - 34_000,
        quality: { ...quality, mos: 4.31 },
      },
      {
        id: '77aa8c51d0e94b01',
        state: 'connected',
        caller: 'a-very-long-user-name-indeed@second-house.example.test',
        callee: 'carrier',
        dialled: '600',
        startedAt: at - 3_950_000,
        answeredAt: at - 3_940_000,
        quality: { ...quality, mos: 3.02, loss: 0.0253, jitter: 31.4, oneWay: true },
      },
      {
        id: '0000aaaabbbbcccc',
        state: 'ringing',
        caller: 'caf\u00e9 \u001b[31m\u6f22\u5b57',
        dialled: '600',
        startedAt: at - 4_000,
      },
    ],
    ...more,
  };
}

/** The same as the SBC itself has it. */
export function viewOf({ version: _version, state: _state, ...answer }: OverviewAnswer): OverviewView {
  return {
    ...answer,
    process: { ...answer.process, ran: answer.process.ran },
    workers: answer.workers.map((worker) => ({ ...worker, driver: worker.driver, ran: worker.ran })),
    trunks: answer.trunks.map((trunk) => ({ ...trunk, up: trunk.up, registered: trunk.registered })),
    quality: answer.quality,
    list: answer.list.map(({ quality: heard, halfOf: _halfOf, ...call }) => ({
      ...call,
      callee: call.callee,
      answeredAt: call.answeredAt,
      quality: heard === undefined ? undefined : { ...heard, mos: heard.mos, roundTrip: heard.roundTrip },
    })),
  };
}

/** As a second before. */
export function earlier(): OverviewAnswer {
  return overviewOf({
    at: at - 1_000,
    calls: { active: 3, answered: 1_203, unanswered: 61, refused: 31 },
    media: {
      received: { packets: 999_850, bytes: 171_974_200 },
      sent: { packets: 998_851, bytes: 170_974_372 },
      dropped: { foreign: 15 },
    },
    workers: [
      { alive: true, driver: 'io_uring', sessions: 2, ran: 89_660, packets: 1_199_700, dropped: 17 },
      { alive: false, driver: undefined, sessions: 0, ran: undefined, packets: 0, dropped: 0 },
    ],
    process: { ran: 59_880, residentBytes: 148_000_000, lag: 1.2 },
  });
}

export function dataOf(more: Partial<FrameData> = {}): FrameData {
  return { sample: sampleOf(earlier(), overviewOf()), now: at, ...more };
}

export function textOf(
  state: TopState,
  data: FrameData,
  size: Size = { columns: 80, rows: 24 },
  hasColour = false,
): string {
  return frameOf(state, data, size)
    .lines.map((line) => `${painted(line, hasColour)}\n`)
    .join('');
}

/** A screen of which a test types the keys and reads what was drawn. */
export class FakeScreen implements Screen {
  size = { columns: 80, rows: 24 };
  isOpen = false;
  drawn: string[] = [];
  readonly #listeners = {
    input: new Set<(text: string) => void>(),
    resize: new Set<() => void>(),
    end: new Set<() => void>(),
  };
  #waiting: { readonly holds: (text: string) => boolean; readonly resolve: () => void }[] = [];

  /** Resolves when that is on it, now or as soon as it was drawn: nothing that was shown is missed, however short. */
  shows(text: string): Promise<void> {
    return this.until((shown) => shown.includes(text));
  }

  until(holds: (text: string) => boolean): Promise<void> {
    if (holds(this.text)) return Promise.resolve();
    return new Promise((resolve) => void this.#waiting.push({ holds, resolve }));
  }

  open(): void {
    this.isOpen = true;
  }

  close(): void {
    this.isOpen = false;
  }

  write(text: string): void {
    this.drawn.push(text);
    this.#waiting = this.#waiting.filter(({ holds, resolve }) => {
      const isShown = holds(this.text);
      if (isShown) resolve();
      return !isShown;
    });
  }

  onInput(listener: (text: string) => void): () => void {
    this.#listeners.input.add(listener);
    return () => void this.#listeners.input.delete(listener);
  }

  onResize(listener: () => void): () => void {
    this.#listeners.resize.add(listener);
    return () => void this.#listeners.resize.delete(listener);
  }

  onEnd(listener: () => void): () => void {
    this.#listeners.end.add(listener);
    return () => void this.#listeners.end.delete(listener);
  }

  type(text: string): void {
    for (const listener of this.#listeners.input) listener(text);
  }

  resize(columns: number, rows: number): void {
    this.size = { columns, rows };
    for (const listener of this.#listeners.resize) listener();
  }

  end(): void {
    for (const listener of this.#listeners.end) listener();
  }

  get listeners(): number {
    const { input, resize, end } = this.#listeners;
    return input.size + resize.size + end.size;
  }

  /** What is on it now, without what moves the cursor. */
  get text(): string {
    return stripVTControlCharacters(this.drawn.at(-1) ?? '').replaceAll('\r', '');
  }
}
