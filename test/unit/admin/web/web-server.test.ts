import { createHash } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import type { OverviewView } from '../../../../src/admin/overview.ts';
import { signInLimits } from '../../../../src/admin/web/sign-in-gate.ts';
import { webLimits } from '../../../../src/admin/web/web-exchange.ts';
import { mostSessionsOfAccount, WebSessions } from '../../../../src/admin/web/web-sessions.ts';
import { developmentCertificates } from '../../../../src/cli/pki/development-certificates.ts';
import { systemRandom } from '../../../../src/core/random.ts';
import { FakeClock } from '../../../support/fake-time.ts';
import { overviewView } from '../overview-fixture.ts';
import { idle, lifetime, right, WebSite } from './web-fixture.ts';

const overview = (): Promise<OverviewView> => Promise.resolve(overviewView());

describe('signing in', () => {
  test('takes name, password and code, and gives a cookie that scripts and other sites do not get', async () => {
    const site = await WebSite.open();
    const reply = await site.signIn();
    expect(reply.status).toBe(200);
    expect(reply.json()).toMatchObject({ name: 'carol', role: 'admin', idleMillis: idle, leftMillis: lifetime });
    const [cookie = ''] = reply.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^portcullis=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=28800$/);
    expect(site.notes).toEqual(['web:carol: web sign-in carol signed-in, from 127.0.0.1']);
  });

  test.each([
    ['a wrong password', { ...right, password: 'x' }, 'wrong-password'],
    ['a wrong code', { ...right, code: '654321' }, 'wrong-code'],
    ['somebody unknown', { ...right, name: 'mallory' }, 'unknown'],
  ])('refuses %s in the same words, and notes why', async (_what, credentials, why) => {
    const site = await WebSite.open();
    const reply = await site.signIn(credentials);
    expect(reply.status).toBe(401);
    expect(reply.headers['set-cookie']).toBeUndefined();
    expect(reply.text).toBe((await site.signIn({ ...right, code: '0' })).text);
    expect(site.notes[0]).toBe(`web: web sign-in ${credentials.name} ${why}, from 127.0.0.1`);
  });

  test('takes nothing from another origin, no form, and no more than it asks for', async () => {
    const site = await WebSite.open();
    const statusWith = async (headers: Record<string, string | undefined>): Promise<number> =>
      (await site.signIn(right, headers)).status;
    expect(await statusWith({ Origin: 'http://evil.example' })).toBe(403);
    expect(await statusWith({ Origin: undefined })).toBe(403);
    expect(await statusWith({ Origin: 'null' })).toBe(403);
    expect(await statusWith({ 'Sec-Fetch-Site': 'cross-site' })).toBe(403);
    expect(await statusWith({ 'Content-Type': 'text/plain' })).toBe(415);
    expect((await site.signIn({ ...right, more: 1 })).status).toBe(400);
    expect((await site.signIn({ ...right, password: 'x'.repeat(webLimits.bodyBytes) })).status).toBe(400);
    expect((await site.ask('/api/sign-in')).status).toBe(405);
    expect(site.accounts.attempts).toBe(0);
  });

  test('is limited for each source, and notes the first that was too many', async () => {
    const site = await WebSite.open();
    const statuses: number[] = [];
    for (let attempt = 0; attempt < signInLimits.perSource + 3; attempt += 1) {
      statuses.push((await site.signIn({ ...right, password: 'guess' })).status);
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(signInLimits.perSource);
    expect(statuses.slice(-3)).toEqual([429, 429, 429]);
    expect(site.accounts.attempts).toBe(signInLimits.perSource);
    expect(site.notes.filter((note) => note.includes('too many attempts'))).toHaveLength(1);
    site.clock.move(signInLimits.window);
    expect((await site.signIn()).status).toBe(200);
  });

  test('looks at a few passwords at a time, since each costs much', async () => {
    const site = await WebSite.open();
    const { promise, resolve } = Promise.withResolvers<void>();
    site.accounts.pause = promise;
    const asked = Array.from({ length: signInLimits.perSource }, () => site.signIn());
    await expect.poll(() => site.accounts.attempts).toBe(signInLimits.atOnce);
    resolve();
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(signInLimits.perSource);
  });

  test('anew ends the session before, so that nobody else knows the new one', async () => {
    const site = await WebSite.open({ overview });
    const first = await site.signedIn();
    const again = await site.signIn(right, { Cookie: first.cookie });
    expect(again.headers['set-cookie']?.[0]).not.toContain(first.cookie);
    expect((await first.get('/api/overview')).status).toBe(401);
  });
});

describe('a session', () => {
  test('is asked for by everything that tells something', async () => {
    const site = await WebSite.open({ overview });
    for (const path of [
      'overview',
      'history',
      'recent',
      'alerts',
      'bans',
      'registrations',
      'calls/x',
      'session',
      'nothing',
    ]) {
      expect((await site.ask(`/api/${path}`)).status, path).toBe(401);
    }
    const made = { Cookie: `portcullis=${'0'.repeat(64)}` };
    expect((await site.ask('/api/overview', { headers: made })).status).toBe(401);
    expect((await (await site.signedIn()).get('/api/overview')).json()).toMatchObject({
      node: 'edge1',
      state: 'ready',
    });
  });

  test('ends when nobody does anything, and what the page asks by itself is nothing', async () => {
    const site = await WebSite.open({ overview });
    const browser = await site.signedIn();
    site.clock.move(idle - 1);
    expect((await browser.get('/api/overview', { 'X-Portcullis-Poll': '1' })).status).toBe(200);
    site.clock.move(1);
    const reply = await browser.get('/api/overview');
    expect(reply.status).toBe(401);
    expect(reply.headers['set-cookie']?.[0]).toMatch(/^portcullis=; .*Max-Age=0/);
  });

  test('stays while somebody does something, and ends after its lifetime in any case', async () => {
    const site = await WebSite.open({ overview });
    const browser = await site.signedIn();
    for (let passed = 0; passed + idle / 2 < lifetime; passed += idle / 2) {
      expect((await browser.get('/api/overview')).status).toBe(200);
      site.clock.move(idle / 2);
    }
    site.clock.move(idle / 2);
    expect((await browser.get('/api/overview')).status).toBe(401);
  });

  test('ends with its account, with its role, and with an account made anew under its name', async () => {
    const site = await WebSite.open({ overview });
    for (const change of [
      () => site.accounts.accounts.delete('carol'),
      () => site.accounts.accounts.set('carol', { role: 'viewer', createdAt: 1 }),
      () => site.accounts.accounts.set('carol', { role: 'admin', createdAt: 2 }),
    ]) {
      site.accounts.accounts.set('carol', { role: 'admin', createdAt: 1 });
      const browser = await site.signedIn();
      expect((await browser.get('/api/overview')).status).toBe(200);
      change();
      expect((await browser.get('/api/overview')).status).toBe(401);
      site.accounts.accounts.set('carol', { role: 'admin', createdAt: 1 });
      expect((await browser.get('/api/overview')).status).toBe(401);
    }
  });

  test('is over after signing out, which needs the token of the page', async () => {
    const site = await WebSite.open({ overview });
    const browser = await site.signedIn();
    expect((await browser.post('/api/sign-out', { 'X-CSRF-Token': undefined })).status).toBe(403);
    expect((await browser.get('/api/overview')).status).toBe(200);
    expect((await browser.post('/api/sign-out')).status).toBe(200);
    expect((await browser.get('/api/overview')).status).toBe(401);
    expect(site.notes.at(-1)).toBe('web:carol: web sign-out carol');
  });

  test('is kept as a hash of its id, and an account has a few', () => {
    const clock = new FakeClock();
    const sessions = new WebSessions({ idle, lifetime }, clock, systemRandom);
    const account = { role: 'admin', createdAt: 1 } as const;
    const ids = Array.from({ length: mostSessionsOfAccount + 1 }, () => sessions.open('carol', account).id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(sessions.find(ids[0] ?? '', true)).toBeUndefined();
    expect(sessions.find(ids.at(-1) ?? '', true)?.name).toBe('carol');
    expect(
      sessions.find(
        createHash('sha256')
          .update(ids.at(-1) ?? '')
          .digest('hex'),
        true,
      ),
    ).toBeUndefined();
    expect(sessions.active).toBe(mostSessionsOfAccount);
    clock.move(idle);
    expect(sessions.active).toBe(0);
  });
});

describe('sessions at an upgrade', () => {
  const account = { role: 'admin', createdAt: 1 } as const;

  test('go on in the next process, whose clock is another one, for the time that was left', () => {
    const [clock, nextClock] = [new FakeClock(), new FakeClock()];
    nextClock.move(5_000_000);
    const before = new WebSessions({ idle, lifetime }, clock, systemRandom);
    const { id, session } = before.open('carol', account);
    clock.move(idle - 1_000);
    const next = new WebSessions({ idle, lifetime }, nextClock, systemRandom);
    next.takeOver(JSON.parse(JSON.stringify(before.passOn())));
    expect(next.find(id, false)).toMatchObject({ name: 'carol', account, csrf: session.csrf });
    nextClock.move(1_000);
    expect(next.find(id, false)).toBeUndefined();
  });

  test('are passed without their ids, and not when they are over', () => {
    const clock = new FakeClock();
    const sessions = new WebSessions({ idle, lifetime }, clock, systemRandom);
    const { id } = sessions.open('carol', account);
    expect(JSON.stringify(sessions.passOn())).not.toContain(id);
    clock.move(idle);
    expect(sessions.passOn()).toEqual([]);
  });

  test.each([undefined, 'text', [{}], [{ hash: 'x' }], { length: 3 }])('%j is nobody', (passed) => {
    const sessions = new WebSessions({ idle, lifetime }, new FakeClock(), systemRandom);
    sessions.takeOver(passed);
    expect(sessions.active).toBe(0);
  });

  test('last no longer than one that begins now, whatever was passed', () => {
    const clock = new FakeClock();
    const sessions = new WebSessions({ idle, lifetime }, clock, systemRandom);
    const { id } = sessions.open('carol', account);
    const passed = sessions.passOn().map((one) => ({ ...one, endsIn: 1e12 }));
    const next = new WebSessions({ idle: 1e13, lifetime }, clock, systemRandom);
    next.takeOver(passed);
    clock.move(lifetime);
    expect(next.find(id, true)).toBeUndefined();
  });
});

describe('a change', () => {
  test('is made with the token of the page, by an administrator, and noted as his', async () => {
    const endCall = vi.fn((id: string) => id === 'c1');
    const liftBans = vi.fn(() => 1);
    const site = await WebSite.open({ endCall, liftBans });
    const browser = await site.signedIn();
    expect((await browser.post('/api/calls/c1/end')).status).toBe(200);
    expect((await browser.post('/api/calls/c2/end')).status).toBe(404);
    expect((await browser.post('/api/bans/2001%3Adb8%3A%3A%2F64/lift')).status).toBe(200);
    expect(endCall.mock.calls).toEqual([
      ['c1', 'web:carol'],
      ['c2', 'web:carol'],
    ]);
    expect(liftBans).toHaveBeenCalledExactlyOnceWith('2001:db8::/64', 'web:carol');
  });

  test.each([
    ['no token', { 'X-CSRF-Token': undefined }],
    ['an empty token', { 'X-CSRF-Token': '' }],
    ['another token', { 'X-CSRF-Token': 'f'.repeat(64) }],
    ['no origin', { Origin: undefined }],
    ['another origin', { Origin: 'https://evil.example' }],
    ['another site behind it', { 'Sec-Fetch-Site': 'cross-site' }],
  ])('is refused with %s', async (_what, headers) => {
    const endCall = vi.fn(() => true);
    const site = await WebSite.open({ endCall });
    const browser = await site.signedIn();
    expect((await browser.post('/api/calls/c1/end', headers)).status).toBe(403);
    expect(endCall).not.toHaveBeenCalled();
  });

  test('is refused with the token of another session', async () => {
    const endCall = vi.fn(() => true);
    const site = await WebSite.open({ endCall });
    const [one, other] = [await site.signedIn(), await site.signedIn()];
    expect((await one.post('/api/calls/c1/end', { 'X-CSRF-Token': other.csrf })).status).toBe(403);
    expect(endCall).not.toHaveBeenCalled();
  });

  test('is not made by reading, nor by a viewer, who sees everything', async () => {
    const endCall = vi.fn(() => true);
    const site = await WebSite.open({ endCall, overview });
    const viewer = await site.signedIn('dave');
    expect((await viewer.get('/api/overview')).status).toBe(200);
    const refused = await viewer.post('/api/calls/c1/end');
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('role-insufficient');
    const admin = await site.signedIn();
    expect((await admin.get('/api/calls/c1/end')).status).toBe(405);
    expect(endCall).not.toHaveBeenCalled();
  });
});

describe('every answer', () => {
  test('forbids scripts, frames and caches that are not ours', async () => {
    const site = await WebSite.open();
    for (const path of ['/', '/app.js', '/api/overview', '/nothing']) {
      const { headers } = await site.ask(path);
      expect(headers['content-security-policy'], path).toContain(
        "default-src 'none'; script-src 'self'; style-src 'self'",
      );
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers).toMatchObject({
        'x-frame-options': 'DENY',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      });
    }
  });

  test('is a file of the page or nothing, whatever the path says', async () => {
    const site = await WebSite.open();
    expect((await site.ask('/')).text).toContain('<!doctype html>');
    expect((await site.ask('/style.css')).headers['content-type']).toBe('text/css; charset=utf-8');
    for (const path of [
      '/../package.json',
      '/page/app.js',
      '/%2e%2e/web-server.ts',
      '/constructor',
      '/web-server.ts',
      '//app.js',
    ]) {
      expect((await site.ask(path)).status, path).toBe(404);
    }
    expect((await site.ask('/', { method: 'POST' })).status).toBe(405);
  });

  test('has no markup of its own for styles or scripts', async () => {
    const { text } = await (await WebSite.open()).ask('/');
    expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=/i);
  });

  test('says nothing of a failure that nobody foresaw', async () => {
    const site = await WebSite.open({ overview: () => Promise.reject(new Error('secret detail')) });
    const reply = await (await site.signedIn()).get('/api/overview');
    expect(reply.status).toBe(500);
    expect(reply.text).not.toContain('secret detail');
  });
});

describe('the name of the server', () => {
  test('is one of the loopback without TLS, so that no other name can be made to lead here', async () => {
    const site = await WebSite.open();
    const port = site.server.address?.port;
    for (const host of [`127.0.0.1:${port}`, `[::1]:${port}`, 'localhost']) {
      expect((await site.ask('/', { headers: { Host: host } })).status, host).toBe(200);
    }
    for (const host of ['evil.example', `localhost.evil.example:${port}`, '10.0.0.5']) {
      expect((await site.ask('/', { headers: { Host: host } })).status, host).toBe(421);
    }
  });
});

describe('over TLS', () => {
  const { certificate, key } = developmentCertificates(
    { dnsNames: ['sbc.test'], addresses: [] },
    Date.now(),
    systemRandom,
  );

  test('the cookie is for TLS and this host alone', async () => {
    const site = await WebSite.open({ overview }, { tls: { certificate, key } });
    const [cookie = ''] = (await site.signIn()).headers['set-cookie'] ?? [];
    expect(cookie).toMatch(
      /^__Host-portcullis=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=28800; Secure$/,
    );
    expect((await (await site.signedIn()).get('/api/overview')).status).toBe(200);
    expect((await site.signIn(right, { Origin: `http://${site.host}` })).status).toBe(403);
  });

  test('a certificate that does not fit leaves the one before', async () => {
    const site = await WebSite.open({}, { tls: { certificate, key } });
    expect(() => site.server.setCertificate({ certificate, key: 'nonsense' })).toThrow();
    expect((await site.ask('/')).status).toBe(200);
    const renewed = developmentCertificates({ dnsNames: ['sbc.test'], addresses: [] }, Date.now(), systemRandom);
    site.server.setCertificate(renewed);
    expect((await site.ask('/')).status).toBe(200);
  });
});
