// The dashboard as an operator has it: a real browser, a running SBC, and a call in it.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { OverviewView } from '../../src/admin/overview.ts';
import { selectRegistrations } from '../../src/admin/registration-query.ts';
import type { WebOperations } from '../../src/admin/web/web-operations.ts';
import { WebSite } from '../unit/admin/web/web-fixture.ts';
import { browserPath, openBrowser, openPage, type Watched } from './browser.ts';
import { DashboardSite, password } from './dashboard-site.ts';

let browser: Browser;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  if (browserPath !== undefined) browser = await openBrowser();
}, 60_000);
afterAll(() => (browserPath === undefined ? undefined : browser.close()));
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function started(options: Parameters<typeof DashboardSite.start>[0] = {}): Promise<DashboardSite> {
  const dashboard = await DashboardSite.start(options);
  open.push(dashboard);
  return dashboard;
}

async function visit(origin: string, options: Parameters<typeof openPage>[1] = {}): Promise<Watched> {
  const watched = await openPage(browser, options);
  open.push({ close: () => watched.page.context().close() });
  await watched.page.goto(origin);
  return watched;
}

async function fill(
  page: Page,
  { name, password: secret, code }: { name: string; password: string; code: string },
): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(secret);
  await page.getByLabel('One-time code').fill(code);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** A call of alice to the echo of the PBX, talking. */
async function talking(dashboard: DashboardSite): Promise<{ readonly ended: Promise<unknown> }> {
  const alice = await dashboard.site.phone('alice');
  await alice.register();
  const call = await alice.call('600').answered;
  await call.talk(30);
  return call;
}

// Each has a browser, an SBC and phones of its own, on a machine that may be busy with other tests.
describe.skipIf(browserPath === undefined)('in a browser', { timeout: 180_000 }, () => {
  test('an operator signs in, sees the call, opens its ladder, ends it and signs out', async () => {
    const dashboard = await started();
    const call = await talking(dashboard);
    const { page, complaints } = await visit(dashboard.origin);
    await fill(page, dashboard.credentials());
    await page.getByText('Over time').waitFor();
    await expect.poll(() => page.locator('.figure').first().innerText()).toContain('1');

    await page.getByRole('link', { name: 'Calls' }).click();
    await page.getByRole('link', { name: 'alice@pbx.test' }).click();
    await page.getByRole('button', { name: /^0\.000: INVITE sip:600@pbx\.test \+SDP, from tls/ }).waitFor();
    expect(await page.locator('pre.message').innerText()).toContain('INVITE sip:600@pbx.test SIP/2.0');
    expect(await page.locator('pre.message').innerText()).not.toMatch(/inline:(?!x+)/);
    const ringing = page.getByRole('button', { name: /200 OK \(INVITE\) \+SDP/ }).last();
    await ringing.focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('pre.message').innerText()).toContain('SIP/2.0 200 OK');

    await page.getByRole('button', { name: 'End call' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'End call' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'End call' }).click();
    await call.ended;
    await page.getByText('over', { exact: true }).waitFor();

    await page.getByRole('link', { name: 'Calls' }).click();
    await page.getByRole('cell', { name: 'operator' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    expect(await page.context().cookies()).toEqual([]);
    expect(complaints).toEqual([]);
    expect(dashboard.audit.slice(0, 3).toReversed()).toEqual([
      expect.stringContaining('web:carol: web sign-in carol signed-in, from 127.0.0.1'),
      expect.stringMatching(/^web:carol: calls end [0-9a-f]{16}$/),
      'web:carol: web sign-out carol',
    ]);
  });

  test('a wrong code, a used one and a wrong password are refused in the same words', async () => {
    const dashboard = await started();
    const { page } = await visit(dashboard.origin);
    const right = dashboard.credentials();
    for (const wrong of [
      { ...right, code: '000000' },
      { ...right, password: 'Not-This-One-2026!' },
      { ...right, name: 'mallory' },
    ]) {
      await fill(page, wrong);
      await page.getByText('Name, password or code is wrong, or the account is locked for a while.').waitFor();
      await page.getByRole('button', { name: 'Sign in', disabled: false }).waitFor();
    }
    await fill(page, right);
    await page.getByText('Over time').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await fill(page, right);
    await page.getByText('Name, password or code is wrong').waitFor();
    expect(dashboard.audit.filter((line) => line.startsWith('web: web sign-in')).length).toBe(4);
    expect(dashboard.audit.join('\n')).not.toContain(password);
  });

  test('a change from a page without the token, or of another site, changes nothing', async () => {
    const dashboard = await started();
    const call = await talking(dashboard);
    let isOver = false;
    void call.ended.then(() => {
      isOver = true;
    });
    const { page } = await visit(dashboard.origin);
    await fill(page, dashboard.credentials());
    await page.getByText('Over time').waitFor();
    const statuses = await page.evaluate(`(async () => {
      const { list } = await (await fetch('/api/overview')).json();
      const ask = async (headers) => (await fetch('/api/calls/' + list[0].id + '/end', { method: 'POST', headers })).status;
      return [await ask({}), await ask({ 'X-CSRF-Token': 'f'.repeat(64) })];
    })()`);
    expect(statuses).toEqual([403, 403]);
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ name: 'portcullis', httpOnly: true, sameSite: 'Strict' });
    expect(await page.evaluate('document.cookie')).toBe('');
    // A page of another site in the same browser: the cookie is not sent along, and the origin is not ours.
    const id = await page.evaluate(
      `fetch('/api/overview').then((answer) => answer.json()).then(({ list }) => list[0].id)`,
    );
    const other = await page.context().newPage();
    await other.goto('about:blank');
    const options = `{ method: 'POST', mode: 'no-cors', credentials: 'include' }`;
    const path = `${dashboard.origin}/api/calls/${String(id)}/end`;
    expect(await other.evaluate(`fetch('${path}', ${options}).then(() => 'read', () => 'stopped')`)).toBe('stopped');
    expect(isOver).toBe(false);
  });

  test('a viewer sees the call and has nothing to end it with', async () => {
    const dashboard = await started();
    await talking(dashboard);
    const { page } = await visit(dashboard.origin);
    await fill(page, dashboard.credentials('dave'));
    await page.getByText('dave (viewer)').waitFor();
    await page.getByRole('link', { name: 'Calls' }).click();
    await page.getByRole('link', { name: 'alice@pbx.test' }).click();
    await page.locator('.ladder').waitFor();
    expect(await page.getByRole('button', { name: 'End call' }).isVisible()).toBe(false);
  });

  test('who is removed while signed in is shown the way out at the next look', async () => {
    const dashboard = await started();
    const { page } = await visit(dashboard.origin);
    await fill(page, dashboard.credentials());
    await page.getByText('Over time').waitFor();
    dashboard.admins.remove('carol');
    await page.getByText('You were signed out. Sign in again.').waitFor();
    expect(await page.getByText('Over time').isVisible()).toBe(false);
  });

  test('it works over TLS', async () => {
    const dashboard = await started({ tls: true });
    const { page, complaints } = await visit(dashboard.origin, { ignoreHTTPSErrors: true });
    await fill(page, dashboard.credentials());
    await page.getByText('Over time').waitFor();
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ name: '__Host-portcullis', secure: true, httpOnly: true, sameSite: 'Strict' });
    expect(complaints).toEqual([]);
  });
});

/** Markup in every text that a peer has a hand in. */
const evil = `"><img src=x onerror="document.title='owned'"><script>document.title='owned'</script>'{{7*7}}`;

function hostile(): Partial<WebOperations> {
  const traffic = { packets: 10, bytes: 1_720 };
  const quality = { mos: 3.2, loss: 0.1, jitter: 4, roundTrip: 12, oneWay: false, encryption: [evil, 'none'] };
  const call = {
    id: 'c1',
    state: 'connected',
    caller: evil,
    dialled: evil,
    callee: evil,
    startedAt: Date.now(),
    answeredAt: Date.now(),
    quality,
  };
  const overview: OverviewView = {
    at: Date.now(),
    node: evil,
    startedAt: Date.now() - 5_000,
    calls: { active: 1, answered: 1, unanswered: 0, refused: 1 },
    relayed: 0,
    refusals: { [evil]: 1 },
    media: { received: traffic, sent: traffic, dropped: { [evil]: 2 } },
    workers: [{ alive: true, driver: evil, sessions: 1, ran: 5, packets: 20, dropped: 0 }],
    process: { ran: 5, residentBytes: 1e8, lag: 1 },
    registrations: 1,
    subscriptions: 0,
    bans: 1,
    holds: 0,
    trunks: [{ name: evil, up: true, registered: undefined, calls: 0 }],
    quality: { calls: 1, mos: 3.2, worst: 3.2, loss: 0.1 },
    matching: 1,
    list: [call],
  };
  const media = {
    leg: evil,
    encryption: evil,
    received: traffic,
    sent: traffic,
    lost: 1,
    jitter: 1,
    round_trip: 4,
    mos: 3.2,
    one_way: false,
    dropped: { [evil]: 1 },
  };
  const steps = Array.from({ length: 12 }, (_, index) => ({
    after: index,
    from: index % 3,
    to: (index + 1) % 3,
    label: evil,
  }));
  const ladder = {
    startedAt: 0,
    columns: [evil, 'portcullis', evil],
    steps,
    omitted: 0,
    messages: steps.map(() => `INVITE ${evil}`),
  };
  const values = [1, 2, null, 3];
  const rates = { calls: values, begun: values, refused: values, packets: values, dropped: values };
  const columns = { ...rates, mos: values, loss: values, registrations: values, processors: values, lag: values };
  return {
    overview: () => Promise.resolve(overview),
    call: () => Promise.resolve({ call, media: [media] }),
    trace: () => Promise.resolve(Buffer.from(JSON.stringify(ladder))),
    history: () => ({
      step: 10_000,
      endsAt: Date.now(),
      columns,
    }),
    recentCalls: () => [{ ...call, endedAt: Date.now(), duration: 1, cause: evil, status: 200, refusal: evil, mos: 4 }],
    alerts: () => [{ severity: 'critical', kind: 'x', text: evil, firstAt: 1, lastAt: Date.now(), count: 1 }],
    registrations: () =>
      Promise.resolve({
        matching: 1,
        registrations: [
          { aor: evil, contact: evil, listener: evil, expiresAt: Date.now() + 5_000, alive: true, userAgent: evil },
        ],
      }),
    bans: () => [
      { source: evil, account: undefined, reason: 'operator', since: 0, until: Date.now() + 5_000, times: 1 },
    ],
  };
}

describe.skipIf(browserPath === undefined)('more phones than a screen has', { timeout: 180_000 }, () => {
  test('are the first of them, and those that are looked for', async () => {
    const phones = Array.from({ length: 300 }, (_, index) => ({
      aor: `u${1_000 + index}@pbx.test`,
      contact: `sip:u${1_000 + index}@192.0.2.1`,
      listener: 'phones',
      expiresAt: Date.now() + 60_000,
      alive: true,
      userAgent: undefined,
    }));
    const registrations: WebOperations['registrations'] = (query) =>
      Promise.resolve(selectRegistrations(phones, query));
    const site = await WebSite.open({ ...hostile(), registrations });
    const { page, complaints } = await visit(`http://${site.host}`);
    await fill(page, { name: 'carol', password: 'Correct-Horse-2026!', code: '123456' });
    await page.getByText('Over time').waitFor();
    await page.evaluate(`location.hash = '#/peers'`);
    await page.getByText('Phones: the first 200 of 300').waitFor();
    await page.getByLabel('Find').fill('U1299');
    await page.getByText('Phones: 1', { exact: true }).waitFor();
    await page.getByText('u1299@pbx.test').first().waitFor();
    expect(complaints).toEqual([]);
  });
});

describe.skipIf(browserPath === undefined)('what peers wrote', { timeout: 180_000 }, () => {
  test.each(['light', 'dark'] as const)(
    'is text in every view, on a narrow screen and a wide one (%s)',
    async (colorScheme) => {
      const site = await WebSite.open(hostile());
      const { page, complaints } = await visit(`http://${site.host}`, { colorScheme });
      await fill(page, { name: 'carol', password: 'Correct-Horse-2026!', code: '123456' });
      await page.getByText('Over time').waitFor();
      for (const [hash, shown] of [
        ['#/', 'Over time'],
        ['#/calls', 'Running: 1'],
        ['#/call/c1', 'Ladder'],
        ['#/peers', 'Phones: 1'],
        ['#/security', 'Alerts'],
        [`#/call/${encodeURIComponent(evil)}`, 'Ladder'],
      ] as const) {
        await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
        await page.getByText(shown).first().waitFor();
        if (hash !== '#/') await page.getByText('onerror', { exact: false }).first().waitFor();
        for (const width of [1_280, 360]) {
          await page.setViewportSize({ width, height: 800 });
          // What markup would have made, what is wider than the screen, and what has no name for those who do not see it.
          const found = await page.evaluate(`({
            isOwned: document.title === 'owned',
            images: document.querySelectorAll('main img, main script, main iframe').length,
            overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
            nameless: [...document.querySelectorAll('input, select')].filter(({ labels }) => labels.length === 0).length,
          })`);
          expect(found, hash).toEqual({ isOwned: false, images: 0, overflow: 0, nameless: 0 });
        }
      }
      expect(complaints).toEqual([]);
    },
  );
});
