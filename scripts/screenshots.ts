// Takes the pictures of docs/images anew: the dashboard in Debian's Chromium and `top`, over a site that is made up.
//   npm run screenshots
// The PNGs depend on the fonts of the machine, the SVG on nothing: a test says when it is no longer what `top` draws.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { selectRegistrations } from '../src/admin/registration-query.ts';
import type { WebOperations } from '../src/admin/web/web-operations.ts';
import { WebServer } from '../src/admin/web/web-server.ts';
import { systemClock } from '../src/core/clock.ts';
import { silentLogger } from '../src/core/logger.ts';
import { systemRandom } from '../src/core/random.ts';
import { drawTrace } from '../src/observe/trace/draw-trace.ts';
import { browserPath, openBrowser, openPage } from '../test/browser/browser.ts';
import { root } from './process.ts';
import { madeUpCall, madeUpTrace } from './screenshots/made-up-call.ts';
import {
  alertsNow,
  bansNow,
  detailNow,
  historyNow,
  lookedAt,
  overviewAt,
  recentNow,
  registrationsNow,
} from './screenshots/made-up-site.ts';
import { topPicture } from './screenshots/top-picture.ts';

const account = { name: 'carol', password: 'Correct-Horse-2026!', code: '123456' };
const viewportHeight = 760;

interface Picture {
  readonly file: string;
  readonly hash: string;
  /** What is there when it can be taken. */
  readonly shows: string;
  readonly colours?: 'dark';
  /** Typed into the field that finds. */
  readonly finds?: string;
}

const pictures: readonly Picture[] = [
  { file: 'dashboard.png', hash: '#/', shows: 'Over time' },
  { file: 'dashboard-calls.png', hash: '#/calls', shows: 'Running: 24' },
  { file: 'dashboard-call-dark.png', hash: `#/call/${madeUpCall.id}`, shows: 'Ladder', colours: 'dark' },
  { file: 'dashboard-peers.png', hash: '#/peers', shows: 'Phones: 171', finds: 'T58W' },
];

writeFileSync(imageFile('top.svg'), topPicture());
console.log('docs/images/top.svg');
if (browserPath === undefined) {
  console.error('no Chromium here (PORTCULLIS_CHROMIUM names one): the pictures of the dashboard stay as they are');
  process.exitCode = 1;
} else {
  await takeAll();
}

async function takeAll(): Promise<void> {
  const browser = await openBrowser();
  try {
    for (const picture of pictures) {
      const server = serverOfLooks();
      await server.listen();
      try {
        await take(await openBrowserPage(browser, picture, server), picture);
      } finally {
        await server.close();
      }
      console.log(`docs/images/${picture.file}`);
    }
  } finally {
    await browser.close();
  }
}

type Page = Awaited<ReturnType<typeof openPage>>['page'];

async function openBrowserPage(
  browser: Awaited<ReturnType<typeof openBrowser>>,
  { colours }: Picture,
  server: WebServer,
): Promise<Page> {
  const { page } = await openPage(browser, {
    viewport: { width: 1_280, height: viewportHeight },
    colorScheme: colours ?? 'light',
  });
  await page.clock.setFixedTime(lookedAt);
  await page.goto(`http://localhost:${server.address?.port ?? 0}/`);
  await page.getByLabel('Name').fill(account.name);
  await page.getByLabel('Password').fill(account.password);
  await page.getByLabel('One-time code').fill(account.code);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Over time').waitFor();
  return page;
}

async function take(page: Page, { file, hash, shows, finds }: Picture): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  await page.getByText(shows).first().waitFor();
  if (finds !== undefined) await page.getByLabel('Find').fill(finds);
  // Rates come with a second look.
  await page.waitForTimeout(5_000);
  if (hash.startsWith('#/call/')) await page.getByRole('button', { name: /^0\.043: INVITE/ }).click();
  const height: unknown = await page.evaluate('document.documentElement.scrollHeight');
  await page.setViewportSize({ width: 1_280, height: Math.max(viewportHeight, Number(height)) });
  await page.mouse.move(0, 0);
  await page.screenshot({ path: imageFile(file) });
}

/** Each time it is asked one look later. */
function serverOfLooks(): WebServer {
  let look = 0;
  const operations: WebOperations = {
    version: '0.1.0',
    isReady: () => true,
    isDraining: () => false,
    overview: () => {
      look += 1;
      return Promise.resolve(overviewAt(look));
    },
    call: () => Promise.resolve(detailNow()),
    trace: (_name, form) => drawTrace(madeUpTrace(detailNow().call.startedAt), form),
    endCall: () => false,
    registrations: (query) => Promise.resolve(selectRegistrations(registrationsNow, query)),
    bans: () => bansNow,
    liftBans: () => 0,
    recentCalls: () => recentNow,
    alerts: () => alertsNow,
    history: historyNow,
    note: () => {},
  };
  return new WebServer({
    operations,
    accounts: { signIn: () => Promise.resolve('signed-in'), find: () => ({ role: 'admin', createdAt: 1 }) },
    address: { address: '127.0.0.1', port: 0 },
    idleTimeout: 900_000,
    sessionLifetime: 28_800_000,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
}

function imageFile(name: string): string {
  return join(root, 'docs', 'images', name);
}
