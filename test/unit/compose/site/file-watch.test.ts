import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FileWatch } from '../../../../src/compose/site/file-watch.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';

const interval = 2_000;

/** A watch whose looks are taken one by one, over files that are made up. */
function watching(first: Record<string, string>) {
  const content = new Map(Object.entries(first));
  const scheduler = new FakeScheduler();
  const told: (readonly string[])[] = [];
  const watch = new FileWatch({
    files: () => [...content.keys()],
    interval,
    scheduler,
    onChanged: async (files) => {
      told.push(files);
    },
    print: async (file) => content.get(file) ?? 'not there',
  });
  onTestFinished(() => watch.close());
  return { content, scheduler, told, watch, look: () => nextLook(scheduler) };
}

/** Lets the look that is due begin, and end. */
async function nextLook(scheduler: FakeScheduler): Promise<void> {
  await waiting(scheduler);
  scheduler.advance(interval);
  await waiting(scheduler);
}

async function waiting(scheduler: FakeScheduler): Promise<void> {
  await expect.poll(() => scheduler.pending, { interval: 1 }).toBe(1);
}

test('tells nothing of files that stay as they were', async () => {
  const { told, look } = watching({ a: '1', b: '1' });
  for (let n = 0; n < 4; n += 1) await look();
  expect(told).toEqual([]);
});

test('tells of a change once, when the file has stayed the same for an interval', async () => {
  const { content, told, look } = watching({ a: '1', b: '1' });
  await look();
  content.set('a', '2');
  await look();
  expect(told).toEqual([]);
  await look();
  expect(told).toEqual([['a']]);
  for (let n = 0; n < 3; n += 1) await look();
  expect(told).toHaveLength(1);
});

test('takes a certificate and its key together, however long they are written one after the other', async () => {
  const { content, told, look } = watching({ certificate: '1', key: '1' });
  await look();
  content.set('certificate', '2');
  await look();
  content.set('key', '2');
  await look();
  expect(told).toEqual([]);
  await look();
  expect(told).toEqual([['certificate', 'key']]);
});

test('tells nothing of a change that was taken back', async () => {
  const { content, told, look } = watching({ a: '1' });
  await look();
  content.set('a', '2');
  await look();
  content.set('a', '1');
  for (let n = 0; n < 3; n += 1) await look();
  expect(told).toEqual([]);
});

test('tells of a file that goes away and of one that comes back, not of one that is named for the first time', async () => {
  const { content, told, look } = watching({ a: '1' });
  await look();
  content.set('b', '1');
  for (let n = 0; n < 3; n += 1) await look();
  expect(told).toEqual([]);
  content.set('b', 'not there');
  for (let n = 0; n < 2; n += 1) await look();
  expect(told).toEqual([['b']]);
  content.set('b', '2');
  for (let n = 0; n < 2; n += 1) await look();
  expect(told).toEqual([['b'], ['b']]);
});

test('looks no more once it is closed', async () => {
  const { content, told, scheduler, watch, look } = watching({ a: '1' });
  await look();
  content.set('a', '2');
  await look();
  watch.close();
  expect(scheduler.pending).toBe(0);
  scheduler.advance(10 * interval);
  expect(told).toEqual([]);
});

test('sees a file that is written in place, renamed over, and a link that is turned', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pc-file-watch-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  for (const name of ['one', 'two']) {
    mkdirSync(at(name));
    writeFileSync(join(at(name), 'cert'), 'same size');
  }
  symlinkSync(at('one'), at('live'));
  writeFileSync(at('written'), 'a');
  writeFileSync(at('renamed'), 'a');
  const files = [at('written'), at('renamed'), join(at('live'), 'cert')];
  const scheduler = new FakeScheduler();
  const told: (readonly string[])[] = [];
  const onChanged = async (changed: readonly string[]): Promise<void> => void told.push(changed);
  const watch = new FileWatch({ files: () => files, interval, scheduler, onChanged });
  onTestFinished(() => watch.close());
  await nextLook(scheduler);
  writeFileSync(at('written'), 'ab');
  writeFileSync(at('new'), 'a');
  renameSync(at('new'), at('renamed'));
  symlinkSync(at('two'), at('next'));
  renameSync(at('next'), at('live'));
  await nextLook(scheduler);
  await nextLook(scheduler);
  expect(told).toEqual([files]);
});
