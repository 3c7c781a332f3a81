// The dashboard of several processes, as an operator has it: real processes, a call in each, and a real browser.
import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { codeAt } from '../../src/policy/totp.ts';
import { openState } from '../../src/store/sqlite/state.ts';
import {
  lastingCalls,
  type ProcessSite,
  processId,
  registersAt,
  withProcesses,
} from '../native/support/process-site.ts';
import { freePorts } from '../support/free-ports.ts';
import type { Phone } from '../support/phone.ts';
import type { PhoneCall } from '../support/phone-call.ts';
import { redisIsMissing } from '../support/redis-server.ts';
import { browserPath, openBrowser, openPage } from './browser.ts';

const password = 'Correct-Horse-2026!';
const secret = Buffer.from('12345678901234567890');
const step = 30_000;

test.skipIf(browserPath === undefined || redisIsMissing() !== undefined)(
  'an operator sees the calls of all processes, ends one of another than the one that is asked, and is told of one that hangs',
  { timeout: 240_000 },
  async () => {
    // The second process would have the port after it, if it had a dashboard.
    const port = await freePorts(2);
    const admin = `[admin.web]\naddress = "127.0.0.1:${port}"`;
    // A browser beside the processes takes its time on a machine that does much else.
    await withProcesses({ media: lastingCalls, admin }, (site) => watched(site, port), 180_000);
  },
);

async function watched({ nodes, node, ports }: ProcessSite, port: number): Promise<void> {
  const state = openState(node.stateDirectory, { clock: systemClock, random: systemRandom });
  await state.admins.add('carol', password, secret);
  const browser = await openBrowser();
  try {
    const [alice, bob] = [await nodes.phone('alice', ports), await nodes.phone('bob', ports)];
    await registersAt(node, alice, 'alice', 1);
    await registersAt(node, bob, 'bob', 2);
    const [here, there] = [await alice.call('600').answered, await bob.call('600').answered];
    await Promise.all([here.talk(25), there.talk(25)]);
    await expect(fetch(`http://127.0.0.1:${port + 1}/`)).rejects.toThrow();

    const { page, complaints } = await openPage(browser);
    await page.goto(`http://127.0.0.1:${port}`);
    await page.getByLabel('Name').fill('carol');
    await page.getByLabel('Password').fill(password);
    await page.getByLabel('One-time code').fill(codeAt(secret, Math.floor(systemClock.wall() / step)));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Over time').waitFor();
    await page.getByText('ready', { exact: true }).waitFor();
    await expect.poll(() => page.locator('.figure').first().innerText()).toContain('2');

    await page.getByRole('link', { name: 'Peers' }).click();
    await threadsAreShown(page, [here, there]);

    await page.getByRole('link', { name: 'Calls' }).click();
    await page.getByRole('link', { name: 'alice@pbx.test' }).waitFor();
    await crossingIsShown(page, alice, bob);
    await page.getByRole('link', { name: 'Calls' }).click();
    await page.getByRole('link', { name: 'bob@pbx.test' }).click();
    await page.getByRole('button', { name: /^0\.000: INVITE sip:600@pbx\.test \+SDP, from tls/ }).waitFor();
    await page.getByRole('button', { name: 'End call' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'End call' }).click();
    expect((await there.ended).cause).toBe('bye');
    await page.getByRole('link', { name: 'Calls' }).click();
    await page.getByRole('cell', { name: 'operator' }).waitFor();
    const audit = state.audit.list(0, 10).map(({ actor, action }) => `${actor}: ${action}`);
    expect(audit).toContain('web:carol: calls end');

    const second = await processId(node, 2);
    process.kill(second, 'SIGSTOP');
    await page.getByText('1 of 2 processes do not answer').waitFor();
    await page.getByRole('row', { name: 'alice@pbx.test 600' }).waitFor();
    process.kill(second, 'SIGCONT');
    await page.getByText('ready', { exact: true }).waitFor();
    expect(complaints).toEqual([]);
    await here.hangUp();
  } finally {
    state.close();
    await browser.close();
  }
}

/** Of each process the main thread and its worker, which moves what is said meanwhile. */
async function threadsAreShown(page: Page, calls: readonly PhoneCall[]): Promise<void> {
  let isSeen = false;
  const talking = calls.map(async (call) => {
    while (!isSeen) await call.talk(5);
  });
  try {
    for (const process of ['process 1', 'process 2']) {
      // Thread, state, driver, calls, CPU, packets a second, packets that were not relayed a second.
      const worker = page.getByRole('row', { name: `${process} #0` });
      await expect
        .poll(() => cellsOf(worker), { timeout: 30_000 })
        .toEqual([
          `${process} #0`,
          'running',
          expect.stringMatching(/^(io_uring|epoll|dgram)$/),
          '1',
          expect.stringMatching(/^\d+ %$/),
          expect.stringMatching(/^[1-9]\d*$/),
          '0',
        ]);
      const main = await cellsOf(page.getByRole('row', { name: `${process} main` }));
      expect(main).toEqual([`${process} main`, 'running', '–', '1', expect.stringMatching(/^\d+ %$/), '–', '–']);
    }
  } finally {
    isSeen = true;
    await Promise.all(talking);
  }
}

function cellsOf(row: Locator): Promise<readonly string[]> {
  return row.getByRole('cell').allInnerTexts();
}

/** The PBX calls Bob, who is at the second process, through the first: that is one call, with media of both and of what is between them. */
async function crossingIsShown(page: Page, alice: Phone, bob: Phone): Promise<void> {
  const dialling = alice.call('bob');
  await (await bob.nextCall()).answer();
  const call = await dialling.answered;
  await page.getByText('Running: 4').waitFor();
  const crossing = page.getByRole('row', { name: 'bob@pbx.test connected' });
  expect(await crossing.count()).toBe(1);
  await crossing.getByRole('link', { name: 'main' }).click();
  await page.getByRole('cell', { name: 'between processes' }).first().waitFor();
  expect(await page.getByRole('cell', { name: 'callee', exact: true }).count()).toBe(1);
  await call.hangUp();
}
