// The loop of a driver: woken from other threads, on time for deadlines, and never so blocked that its thread cannot be ended.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../src/core/clock.ts';
import { DescriptorLedger } from '../../src/media/packet-io/descriptor-ledger.ts';
import { type DriverName, driverNames, longestWait } from '../../src/media/packet-io/packet-io.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { openDriver } from './support/drivers.ts';

const nativeDrivers: readonly DriverName[] = ['io_uring', 'epoll'];
const one = new Uint8Array(new BigUint64Array([1n]).buffer);
/** Generous, since the machine may be busy with other things; a loop that is not bounded never ends at all. */
const patience = 5_000;

function startBlocked(driver: DriverName, ledger = new DescriptorLedger(4)): Worker {
  const order = { driver, ledger: ledger.buffer };
  return new Worker(new URL('support/blocked-worker.ts', import.meta.url), { workerData: order });
}

function eventfdOf([handle]: readonly unknown[]): number {
  const isHandle = typeof handle === 'object' && handle !== null && 'fd' in handle;
  if (!isHandle || typeof handle.fd !== 'number') throw new Error(`expected an eventfd, got ${JSON.stringify(handle)}`);
  return handle.fd;
}

const wakes: readonly NativeCase[] = nativeDrivers.map((driver) => ({
  name: `${driver} is woken by another thread, once and again`,
  run: async () => {
    await openDriver(driver).then(({ io }) => io.dispose());
    const worker = startBlocked(driver);
    const fd = eventfdOf(await once(worker, 'message'));
    for (let count = 1; count <= 100; count += 1) {
      writeSync(fd, one);
      checkEqual(await once(worker, 'message'), [count], 'calls of onControl');
    }
    await worker.terminate();
  },
}));

const wakesBeforeRun: readonly NativeCase[] = nativeDrivers.map((driver) => ({
  name: `${driver} notices a wake from before its loop began`,
  run: async () => {
    const { io } = await openDriver(driver);
    if (io.wakeHandle.kind !== 'eventfd') throw new Error('expected an eventfd');
    writeSync(io.wakeHandle.fd, one);
    let controls = 0;
    const begun = systemClock.now();
    await io.run({
      onPacket: () => {},
      onControl: () => {
        controls += 1;
        io.stop();
      },
      onDeadline: (now) => {
        if (now - begun > patience) io.stop();
        return now + 10;
      },
    });
    checkEqual(controls, 1, 'calls of onControl');
  },
}));

const terminates: readonly NativeCase[] = driverNames.map((driver) => ({
  name: `${driver} lets its worker be terminated while it waits`,
  run: async () => {
    await openDriver(driver).then(({ io }) => io.dispose());
    const worker = startBlocked(driver);
    await once(worker, 'message');
    const begun = systemClock.now();
    await worker.terminate();
    check(systemClock.now() - begun < patience, `it took ${systemClock.now() - begun} ms`);
  },
}));

const leftovers: readonly NativeCase[] = driverNames.map((driver) => ({
  name: `${driver} leaves nothing open after its worker was terminated and its ledger closed`,
  run: async () => {
    await openDriver(driver).then(({ io }) => io.dispose());
    await terminateAndClose(driver);
    const before = readdirSync('/proc/self/fd').length;
    const closed = await terminateAndClose(driver);
    checkEqual(closed, driver === 'dgram' ? 0 : 3, 'descriptors closed: socket, ring or epoll, eventfd');
    checkEqual(readdirSync('/proc/self/fd').length, before, 'open descriptors');
  },
}));

async function terminateAndClose(driver: DriverName): Promise<number> {
  const ledger = new DescriptorLedger(4);
  const worker = startBlocked(driver, ledger);
  await once(worker, 'message');
  await worker.terminate();
  const closed = ledger.closeAll();
  checkEqual(ledger.closeAll(), 0, 'descriptors closed twice');
  await new Promise((resolve) => setTimeout(resolve, 50));
  return closed;
}

const exits: readonly NativeCase[] = driverNames.map((driver) => ({
  name: `${driver} lets the process exit while its worker waits`,
  run: async () => {
    await openDriver(driver).then(({ io }) => io.dispose());
    const script = fileURLToPath(import.meta.url);
    const ended = spawnSync(process.execPath, [script, driver], { encoding: 'utf8', timeout: 2 * patience });
    checkEqual([ended.status, ended.signal, ended.stdout], [7, null, 'exits\n'], 'how it ended');
  },
}));

const deadlines: readonly NativeCase[] = driverNames.map((driver) => ({
  name: `${driver} calls onDeadline when it said, and within the longest wait when it said never`,
  run: async () => {
    const { io } = await openDriver(driver);
    const calls: { now: number; asked: number }[] = [];
    const plan = [5, 5, 20, 0, 0, 0, 40, 5];
    await io.run({
      onPacket: () => {},
      onControl: () => {},
      onDeadline: (now) => {
        const delay = plan[calls.length];
        calls.push({ now, asked: delay === undefined ? 0 : now + delay });
        if (delay === undefined) io.stop();
        return now + (delay ?? 0);
      },
    });
    for (const [index, { asked }] of calls.slice(0, -1).entries()) {
      const came = calls[index + 1]?.now ?? 0;
      check(came >= asked - 1, `call ${index + 1} came ${asked - came} ms early`);
      check(came < asked + patience, `call ${index + 1} came ${came - asked} ms late`);
    }
    const begun = systemClock.now();
    let looks = 0;
    await io.run({
      onPacket: () => {},
      onControl: () => {},
      onDeadline: () => {
        looks += 1;
        if (looks > 1) io.stop();
        return Number.POSITIVE_INFINITY;
      },
    });
    check(systemClock.now() - begun < 10 * longestWait + patience, 'the loop waited too long');
  },
}));

const handlerThrows: readonly NativeCase[] = driverNames.map((driver) => ({
  name: `${driver} ends run with what a handler throws`,
  run: async () => {
    const { io } = await openDriver(driver);
    const failure = new Error('the handler failed');
    const run = io.run({
      onPacket: () => {},
      onControl: () => {},
      onDeadline: () => {
        throw failure;
      },
    });
    const thrown = await run.catch((reason: unknown) => reason);
    check(thrown === failure, 'run did not end with what was thrown');
  },
}));

export const cases = [
  ...wakes,
  ...wakesBeforeRun,
  ...terminates,
  ...leftovers,
  ...exits,
  ...deadlines,
  ...handlerThrows,
];

const [driverOfChild] = process.argv.slice(2);
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const worker = startBlocked(driverNames.find((name) => name === driverOfChild) ?? 'epoll');
  await once(worker, 'message');
  console.log('exits');
  process.exit(7);
}
