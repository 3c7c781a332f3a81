// A worker ends in the middle of its calls, and another one goes on with its sockets, ports and keys.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setEnvironmentData } from 'node:worker_threads';
import { type DriverName, driverNames } from '../../src/media/packet-io/packet-io.ts';
import type { MediaPlane } from '../../src/media/plane/media-plane.ts';
import type { MediaEvent } from '../../src/media/plane/messages.ts';
import { startThread } from '../../src/media/plane/worker-thread.ts';
import { rtp } from '../support/rtp-packets.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { Recording } from './support/kill-round.ts';
import { call, type LiveCall, loopback, noneLeft, openSockets, until, withPlane } from './support/plane.ts';

const orders = { standStill: 1, throwError: 2 } as const;
const entry = new URL('support/obedient-worker.ts', import.meta.url);
/** Between two packets of a stream. */
const packetTime = 20;
/** How long a call may be silent: it is below 500 on a machine that has nothing else to do, and this one may have. */
const longestGap = 2_000;

interface Scene {
  readonly plane: MediaPlane;
  /** The first worker obeys. */
  order(what: keyof typeof orders): void;
  /** Workers that were ready, the reserve too. */
  ready(): number;
}

async function withReserve(driver: DriverName, workers: number, use: (scene: Scene) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'successor-'));
  const word = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData('order', word.buffer);
  let started = 0;
  let ready = 0;
  const workerEntry = new URL('../../src/media/worker/worker-main.ts', import.meta.url);
  try {
    await withPlane(
      {
        driver,
        workers,
        maxSockets: 2_000,
        state: { folder, sealingKey: new Uint8Array(32).fill(5) },
        start: (settings, events) => {
          started += 1;
          // Only the first one takes orders: the others would too.
          return startThread(started === 1 ? entry : workerEntry, settings, {
            ...events,
            onMessage: (message) => {
              if (message.type === 'ready') ready += 1;
              events.onMessage(message);
            },
          });
        },
      },
      async (plane) => {
        // The reserve is started when there is something to go on with.
        const first = plane.openSession('first', () => {});
        await until(() => ready > workers, 'no reserve was started', 20_000);
        if (first.ok) await first.value.close();
        await use({ plane, order: (what) => Atomics.store(word, 0, orders[what]), ready: () => ready });
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A call with packets both ways, and what came of them. */
class Stream {
  readonly call: LiveCall;
  readonly record: Recording;
  longestGap = 0;
  sent = 0;
  #last = performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(live: LiveCall) {
    this.call = live;
    this.record = new Recording(live.phoneSocket, live.pbxSocket, live.phone);
    live.phoneSocket.on('message', () => {
      const now = performance.now();
      if (this.sent > 1) this.longestGap = Math.max(this.longestGap, now - this.#last);
      this.#last = now;
    });
  }

  start(): void {
    const { a, b, phoneSocket, pbxSocket, phone } = this.call;
    this.#timer = setInterval(() => {
      this.sent += 1;
      // The roll-over comes early.
      pbxSocket.send(rtp({ sequence: (0xfff0 + this.sent) & 0xffff }), b.rtpPort, loopback);
      phoneSocket.send(phone.protectRtp(rtp({ sequence: this.sent })), a.rtpPort, loopback);
    }, packetTime);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  close(): void {
    this.stop();
    this.call.phoneSocket.close();
    this.call.pbxSocket.close();
  }
}

const pause = (duration: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, duration));

function follows(driver: DriverName, what: keyof typeof orders): NativeCase {
  return {
    name: `${driver}: a worker that is told to ${what} is followed by another, and no index comes twice`,
    limitMs: 60_000,
    run: () =>
      withReserve(driver, 2, async ({ plane, order }) => {
        const before = openSockets();
        const events: MediaEvent[] = [];
        // The first is at the worker that ends, the second at one that goes on.
        const [stream, other] = [new Stream(await call(plane, events)), new Stream(await call(plane, events))];
        for (const one of [stream, other]) one.start();
        await pause(700);
        order(what);
        await until(() => plane.stats().workersLost === 1, 'the worker was not lost');
        const atLoss = stream.record.atPhone;
        await until(() => stream.record.atPhone > atLoss + 20, 'the stream does not go on');
        for (const one of [stream, other]) one.stop();
        await pause(200);
        const said = JSON.stringify({ ...stream.record.outcome(), sent: stream.sent, gap: stream.longestGap });
        console.log(said);
        const { reused, refused, ssrcs, atPhone } = stream.record.outcome();
        checkEqual([reused, refused, ssrcs], [0, 0, 1], `reused, refused, SSRCs: ${said}`);
        check(stream.longestGap < longestGap, `gap: ${said}`);
        check(driver === 'dgram' || stream.sent - atPhone <= 2, `packets lost: ${said}`);
        check(other.longestGap < stream.longestGap + 200, `gap of the other call: ${other.longestGap}`);
        checkEqual(
          events.filter(({ type }) => type === 'lost'),
          [],
          'lost events',
        );
        checkEqual(plane.stats().sessionsLost, 0, 'sessions lost');
        // What was counted before is in it as far as the last state told.
        const [fromA] = (await stream.call.session.close()).endpoints;
        check((fromA?.received.packets ?? 0) >= 20, `the account: ${JSON.stringify(fromA?.received)}`);
        await other.call.session.close();
        for (const one of [stream, other]) one.close();
        await noneLeft(plane, before, `sockets are left: ${openSockets()} of ${before}`);
      }),
  };
}

/** Programs that want the whole processor, while a worker has a call. */
const rivals = 8;

const starved: NativeCase = {
  name: 'a worker that gets little of the processor is not taken for one that stands still',
  limitMs: 60_000,
  run: () =>
    withReserve('epoll', 1, async ({ plane }) => {
      const spinners = Array.from({ length: rivals }, () =>
        spawn(process.execPath, ['-e', 'for (;;) {}'], { stdio: 'ignore' }),
      );
      try {
        const stream = new Stream(await call(plane));
        stream.start();
        await pause(10_000);
        stream.stop();
        checkEqual([plane.stats().workersLost, plane.stats().sessionsLost], [0, 0], 'workers and sessions lost');
        stream.close();
      } finally {
        for (const spinner of spinners) spinner.kill('SIGKILL');
      }
    }),
};

const memory: NativeCase = {
  name: 'packet memory of a worker that threw goes to the next reserve, and no more of it is mapped than before',
  limitMs: 60_000,
  run: () =>
    withReserve('epoll', 1, async ({ plane, order, ready }) => {
      const before = keptMemories();
      checkEqual(before.length, 2, 'memories of the worker and the reserve');
      const live = await call(plane);
      order('throwError');
      await until(() => plane.stats().workersLost === 1, 'the worker was not lost');
      await until(() => ready() === 3, 'no reserve was started again', 20_000);
      checkEqual(keptMemories(), before, 'where packet memory is');
      await live.session.close();
      live.phoneSocket.close();
      live.pbxSocket.close();
    }),
};

/** What is mapped between 1 and 2 GB and can be written to, but for the heap of the C library. */
function keptMemories(): readonly string[] {
  const lines = readFileSync('/proc/self/maps', 'latin1').split('\n');
  return lines.flatMap((line) => {
    const [, start = '', end = ''] = /^([0-9a-f]+)-([0-9a-f]+) rw-p 00000000 00:00 0 *$/.exec(line) ?? [];
    const at = Number.parseInt(start, 16);
    return at >= 2 ** 30 && at < 2 ** 31 ? [`${start}-${end}`] : [];
  });
}

export const cases: readonly NativeCase[] = [
  memory,
  ...driverNames.flatMap((driver) => [follows(driver, 'standStill'), follows(driver, 'throwError')]),
  starved,
];
