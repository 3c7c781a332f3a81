// What a request with or without credentials gets: RFC 7616, RFC 8760, RFC 3261 §22.
import { describe, expect, test } from 'vitest';
import { ha1ForAll } from '../../../../src/sip/auth/credentials.ts';
import {
  authorization,
  challengesOf,
  datagramFrom,
  flowFrom,
  GateFixture,
  requestOf,
  summary,
} from './gate-fixture.ts';

const phone = flowFrom('192.0.2.77');

describe('challenges (RFC 8760 §2.3)', () => {
  test('one for each algorithm, strongest first whatever the configured order, all with qop=auth and one nonce', async () => {
    const outcome = await new GateFixture().send(requestOf('REGISTER'));
    expect(summary(outcome)).toBe('401 challenged');
    const challenges = challengesOf(outcome);
    expect(challenges.map(({ algorithm }) => algorithm)).toEqual(['SHA-256', 'MD5']);
    expect(new Set(challenges.map(({ nonce }) => nonce)).size).toBe(1);
    for (const { realm, qop, stale } of challenges) {
      expect({ realm, qop, stale }).toEqual({ realm: 'pbx.test', qop: ['auth'], stale: false });
    }
  });

  test('what is offered depends on the listener and the domain', async () => {
    const fixture = new GateFixture();
    const offered = async (from: string, flow = phone): Promise<readonly unknown[]> =>
      challengesOf(await fixture.send(requestOf('INVITE', { from, uri: 'sip:1@elsewhere.test' }), flow)).map(
        ({ realm, algorithm }) => `${realm} ${algorithm}`,
      );
    expect(await offered('<sip:alice@pbx.test>')).toEqual(['pbx.test SHA-256', 'pbx.test MD5']);
    expect(await offered('<sip:alice@PBX.TEST:5061>')).toEqual(['pbx.test SHA-256', 'pbx.test MD5']);
    expect(await offered('<sip:alice@sbc.example.com>')).toEqual(['pbx.test SHA-256', 'pbx.test MD5']);
    expect(await offered('<sip:alice@modern.test>')).toEqual(['modern SHA-256']);
    expect(await offered('<sip:alice@elsewhere.test>')).toEqual(['pbx.test SHA-256', 'pbx.test MD5']);
    expect(await offered('<tel:+49301234>')).toEqual(['pbx.test SHA-256', 'pbx.test MD5']);
    const datagrams = datagramFrom('192.0.2.77');
    expect(await offered('<sip:alice@pbx.test>', datagrams)).toEqual(['pbx.test SHA-512-256', 'pbx.test MD5']);
    expect(await offered('<sip:alice@modern.test>', datagrams)).toEqual(['modern SHA-512-256']);
  });

  test('a request that names no domain of ours by From is authenticated in that of its Request-URI', async () => {
    const request = requestOf('INVITE', { from: '<sip:x@elsewhere.test>', uri: 'sip:1@modern.test' });
    expect(challengesOf(await new GateFixture().send(request))[0]?.realm).toBe('modern');
  });

  test.each(['REGISTER', 'INVITE', 'OPTIONS', 'MESSAGE', 'SUBSCRIBE', 'PUBLISH', 'REFER', 'NOTIFY', 'BYE', 'FOO'])(
    '%s is challenged',
    async (method) => {
      expect(summary(await new GateFixture().send(requestOf(method)))).toBe('401 challenged');
    },
  );

  test('the answer has the Via, From, Call-ID and CSeq of the request, and a To-tag (RFC 3261 §8.2.6)', async () => {
    const request = requestOf('INVITE');
    const outcome = await new GateFixture().send(request);
    if (outcome.kind !== 'answer') throw new Error(outcome.kind);
    for (const name of ['Via', 'From', 'Call-ID', 'CSeq']) {
      expect(outcome.response.headers.all(name)).toEqual(request.headers.all(name));
    }
    expect(outcome.response.headers.get('To')).toMatch(/^<sip:600@pbx\.test>;tag=[A-Za-z0-9_-]{20}$/);
  });
});

describe('good credentials', () => {
  test.each(['SHA-256', 'MD5'] as const)('with %s, in Authorization', async (algorithm) => {
    const fixture = new GateFixture();
    const request = await fixture.signed('REGISTER', {}, { algorithm });
    expect(summary(await fixture.send(request))).toBe('pass user alice@pbx.test');
    expect(fixture.observed).toEqual(['challenged', 'accepted alice@pbx.test']);
  });

  test('in Proxy-Authorization too', async () => {
    const fixture = new GateFixture();
    const { nonce } = await fixture.challenge();
    const uri = 'sip:600@pbx.test';
    const line = authorization({ method: 'INVITE', uri, nonce }, 'Proxy-Authorization');
    expect(summary(await fixture.send(requestOf('INVITE', { headers: [line] })))).toBe('pass user alice@pbx.test');
  });

  test('beside credentials for another realm and of another scheme (RFC 3261 §22.3)', async () => {
    const fixture = new GateFixture();
    const other = authorization({ method: 'INVITE', uri: 'sip:600@pbx.test', nonce: 'x', realm: 'other' });
    const request = await fixture.signed('INVITE', { headers: [other, 'Authorization: Basic YWxpY2U6eA=='] });
    expect(summary(await fixture.send(request))).toBe('pass user alice@pbx.test');
  });

  test('only other realms or schemes: a challenge, and no failure', async () => {
    const fixture = new GateFixture();
    const other = authorization({ method: 'INVITE', uri: 'sip:600@pbx.test', nonce: 'x', realm: 'other' });
    expect(summary(await fixture.send(requestOf('INVITE', { headers: [other, 'Authorization: Basic YQ=='] })))).toBe(
      '401 challenged',
    );
    expect(fixture.observed).toEqual(['challenged']);
    expect(fixture.store.asked).toEqual([]);
  });

  test('the empty credentials that some phones send first are a request for a challenge, not a failure', async () => {
    const fixture = new GateFixture();
    const line = 'Authorization: Digest username="alice", realm="pbx.test", nonce="", uri="sip:pbx.test", response=""';
    expect(summary(await fixture.send(requestOf('REGISTER', { headers: [line] })))).toBe('401 challenged');
    expect(fixture.observed).toEqual(['challenged']);
  });

  test('each nonce count is good once, in a window (RFC 7616 §3.4.6)', async () => {
    const fixture = new GateFixture();
    const { nonce } = await fixture.challenge();
    const use = async (nc: number): Promise<string> =>
      summary(await fixture.send(await fixture.signed('MESSAGE', {}, { nonce, nc })));
    expect(await use(1)).toBe('pass user alice@pbx.test');
    expect(await use(3)).toBe('pass user alice@pbx.test');
    expect(await use(2)).toBe('pass user alice@pbx.test');
    expect(await use(2)).toBe('401 nonce-count-reused');
    expect(await use(0)).toBe('401 nonce-count-reused');
    expect(await use(200)).toBe('pass user alice@pbx.test');
    expect(await use(136)).toBe('401 nonce-count-reused');
    expect(fixture.observed).toContain('failed nonce-count-reused alice');
  });

  test('a captured request is not good again, on its own flow or another', async () => {
    const fixture = new GateFixture();
    const request = await fixture.signed('REGISTER');
    await fixture.send(request);
    expect(summary(await fixture.send(request))).toBe('401 nonce-count-reused');
    const replayed = await fixture.send(request, flowFrom('203.0.113.66'));
    expect(summary(replayed)).toBe('401 nonce-count-reused');
    expect(challengesOf(replayed)[0]?.stale).toBe(false);
  });
});

describe('old nonces (RFC 7616 §3.4.6: stale)', () => {
  test('stale=true for the right password', async () => {
    const fixture = new GateFixture();
    const request = await fixture.signed('REGISTER');
    fixture.scheduler.advance(300_001);
    const outcome = await fixture.send(request);
    expect(summary(outcome)).toBe('401 nonce-stale');
    expect(challengesOf(outcome).map(({ stale }) => stale)).toEqual([true, true]);
    expect(fixture.observed).toEqual(['challenged']);
    const [renewed] = challengesOf(outcome);
    const again = await fixture.signed('REGISTER', {}, { nonce: renewed?.nonce ?? '' });
    expect(summary(await fixture.send(again))).toBe('pass user alice@pbx.test');
  });

  test('never for a wrong one', async () => {
    const fixture = new GateFixture();
    const request = await fixture.signed('REGISTER', {}, { password: 'guess' });
    fixture.scheduler.advance(300_001);
    const outcome = await fixture.send(request);
    expect(summary(outcome)).toBe('401 wrong-response');
    expect(challengesOf(outcome).map(({ stale }) => stale)).toEqual([false, false]);
  });

  test('a restart makes nonces stale, and a used count is not good again', async () => {
    const fixture = new GateFixture();
    const request = await fixture.signed('REGISTER');
    await fixture.send(request);
    fixture.restart();
    expect(summary(await fixture.send(request))).toBe('401 nonce-stale');
  });

  test.each([86_400_000, -86_400_000])('a wall-clock jump of %i ms is not noticed', async (jump) => {
    const fixture = new GateFixture();
    const request = await fixture.signed('REGISTER');
    fixture.scheduler.clock.jumpWall(jump);
    expect(summary(await fixture.send(request))).toBe('pass user alice@pbx.test');
  });

  test('a nonce that was forgotten for want of room is stale, not good', async () => {
    const fixture = new GateFixture({
      limits: { pendingLookUps: 8, lookUpDeadline: 3000, nonceLifetime: 300_000, nonceWindows: 2 },
    });
    const first = await fixture.signed('REGISTER');
    await fixture.send(first);
    for (let index = 0; index < 2; index += 1) {
      fixture.scheduler.advance(1);
      await fixture.send(await fixture.signed('REGISTER'));
    }
    expect(fixture.gate.nonceWindows).toBe(2);
    expect(summary(await fixture.send(first))).toBe('401 nonce-stale');
  });
});

describe('credentials that prove nothing', () => {
  test.each([
    ['a wrong password', { password: 'guess' }],
    ['an unknown user', { username: 'nobody' }],
    ['a username of another case', { username: 'Alice' }],
    ['a username with a domain', { username: 'alice@pbx.test' }],
  ])('%s: 401, scored', async (_, over) => {
    const fixture = new GateFixture();
    const outcome = await fixture.send(await fixture.signed('REGISTER', {}, over));
    expect(summary(outcome)).toBe('401 wrong-response');
    expect(challengesOf(outcome)).toHaveLength(2);
    expect(fixture.observed.at(-1)).toBe(`failed wrong-response ${'username' in over ? over.username : 'alice'}`);
    expect(fixture.gate.nonceWindows).toBe(0);
  });

  test('the response of another method', async () => {
    const fixture = new GateFixture();
    const { nonce } = await fixture.challenge();
    const line = authorization({ method: 'REGISTER', uri: 'sip:600@pbx.test', nonce });
    expect(summary(await fixture.send(requestOf('INVITE', { headers: [line] })))).toBe('401 wrong-response');
  });

  test('a nonce that was never given out, or for another listener or realm: 401 without a look-up', async () => {
    const fixture = new GateFixture();
    const other = await fixture.challenge(datagramFrom('192.0.2.77'), requestOf('OPTIONS'));
    const modern = await fixture.challenge(phone, requestOf('OPTIONS', { from: '<sip:a@modern.test>' }));
    for (const nonce of ['made-up', 'A'.repeat(40), other.nonce, modern.nonce]) {
      expect(summary(await fixture.send(await fixture.signed('REGISTER', {}, { nonce })))).toBe('401 nonce-unknown');
    }
    expect(fixture.store.asked).toEqual([]);
  });

  test('an algorithm that this listener does not offer', async () => {
    const fixture = new GateFixture();
    const request = await fixture.signed('REGISTER', {}, { algorithm: 'SHA-512-256' });
    expect(summary(await fixture.send(request))).toBe('401 algorithm-not-offered');
  });

  test('an algorithm that this user may not use, or has no HA1 for, though all are offered it', async () => {
    const fixture = new GateFixture();
    const all = ha1ForAll('alice', 'pbx.test', 'wonder');
    for (const user of [{ ha1: all, accepts: ['SHA-256' as const] }, { ha1: { 'SHA-256': all['SHA-256'] ?? '' } }]) {
      fixture.store.users.set('alice@pbx.test', user);
      expect(challengesOf(await fixture.send(requestOf('REGISTER')))).toHaveLength(2);
      expect(summary(await fixture.send(await fixture.signed('REGISTER', {}, { algorithm: 'MD5' })))).toBe(
        '401 wrong-response',
      );
      expect(summary(await fixture.send(await fixture.signed('REGISTER')))).toBe('pass user alice@pbx.test');
    }
  });
});

describe('credentials that are not even checked: 400, scored', () => {
  const cut = (name: string) => (line: string) => line.replace(new RegExp(`, ${name}=("[^"]*"|[^,]*)`), '');

  test.each([
    ['qop without nc', cut('nc'), 'parameter-missing'],
    ['qop without cnonce', cut('cnonce'), 'parameter-missing'],
    ['no qop', cut('qop'), 'qop-missing'],
    ['qop=auth-int', (line: string) => line.replace('qop=auth', 'qop=auth-int'), 'qop-unsupported'],
    ['no uri', cut('uri'), 'parameter-missing'],
    ['no response', cut('response'), 'parameter-missing'],
    ['a parameter twice', (line: string) => `${line}, nc=00000001`, 'duplicate-parameter'],
    ['an open quote', (line: string) => `${line}, x="`, 'malformed'],
    ['nothing after the scheme', () => 'Authorization: Digest', 'malformed'],
    ['a short response', (line: string) => line.replace(/response="../, 'response="'), 'response-malformed'],
  ])('%s', async (_, edit, reason) => {
    const fixture = new GateFixture();
    const { nonce } = await fixture.challenge();
    const line = edit(authorization({ method: 'REGISTER', uri: 'sip:pbx.test', nonce }));
    const outcome = await fixture.send(requestOf('REGISTER', { headers: [line] }));
    expect(summary(outcome)).toBe(`400 ${reason}`);
    expect(challengesOf(outcome)).toEqual([]);
    expect(fixture.observed.at(-1)).toBe(`failed ${reason} -`);
    expect(fixture.store.asked).toEqual([]);
  });

  test('two credentials for one realm, equal or not, in one header name or two', async () => {
    const fixture = new GateFixture();
    const { nonce } = await fixture.challenge();
    const sign = (name?: string, nc = 1): string =>
      authorization({ method: 'REGISTER', uri: 'sip:pbx.test', nonce, nc }, name);
    for (const headers of [
      [sign(), sign()],
      [sign(), sign('Authorization', 2)],
      [sign(), sign('Proxy-Authorization')],
    ]) {
      expect(summary(await fixture.send(requestOf('REGISTER', { headers })))).toBe('400 several-credentials');
    }
  });

  test('more credentials than anybody has realms', async () => {
    const headers = Array.from({ length: 9 }, (_, index) =>
      authorization({ method: 'REGISTER', uri: 'sip:pbx.test', nonce: 'n', realm: `r${index}` }),
    );
    expect(summary(await new GateFixture().send(requestOf('REGISTER', { headers })))).toBe('400 too-many-credentials');
  });

  test.each(['sip:other.test', 'sip:600@pbx.test', 'sip:pbx.test:5060', 'sips:pbx.test', 'garbage', ''])(
    'a digest about "%s" in a request to sip:pbx.test (RFC 7616 §3.4.6)',
    async (uri) => {
      const fixture = new GateFixture();
      const { nonce } = await fixture.challenge();
      const line = authorization({ method: 'REGISTER', uri, nonce });
      expect(summary(await fixture.send(requestOf('REGISTER', { headers: [line] })))).toBe('400 uri-mismatch');
    },
  );

  test.each(['sip:PBX.test', 'SIP:pbx.test', 'sip:pbx.test;x=1'])(
    'but %s is the same URI as sip:pbx.test (RFC 3261 §19.1.4)',
    async (uri) => {
      const fixture = new GateFixture();
      const { nonce } = await fixture.challenge();
      const line = authorization({ method: 'REGISTER', uri, nonce });
      expect(summary(await fixture.send(requestOf('REGISTER', { headers: [line] })))).toBe('pass user alice@pbx.test');
    },
  );
});

describe('one identity', () => {
  const claims = async (method: string, from: string, over: { to?: string; toTag?: string } = {}): Promise<string> => {
    const fixture = new GateFixture();
    fixture.store.users.set('alice@pbx.test', {
      ha1: ha1ForAll('alice', 'pbx.test', 'wonder'),
      aliases: ['sales@pbx.test', '+49301234', 'partner@other.test'],
    });
    return summary(await fixture.send(await fixture.signed(method, { from, ...over })));
  };

  test.each([
    ['<sip:alice@pbx.test>'],
    ['<sips:alice@PBX.test;user=phone>'],
    ['"Bob" <sip:alice@sbc.example.com>'],
    ['<sip:sales@pbx.test>'],
    ['<sip:sales@sbc.example.com>'],
    ['<tel:+49301234>'],
    ['<sip:partner@other.test>'],
    ['"Anonymous" <sip:anonymous@anonymous.invalid>'],
  ])('alice may call as %s', async (from) => {
    expect(await claims('INVITE', from)).toBe('pass user alice@pbx.test');
  });

  test.each([
    ['<sip:bob@pbx.test>'],
    ['<sip:Alice@pbx.test>'],
    ['<sip:alice@elsewhere.test>'],
    ['<sip:pbx.test>'],
    ['<tel:+4930999>'],
    ['<urn:service:sos>'],
    ['<sip:partner@pbx.test>'],
  ])('but not as %s', async (from) => {
    expect(await claims('INVITE', from)).toBe('403 address-not-owned');
  });

  test('REGISTER binds the address in To, so that To must be one\u2019s own (RFC 3261 §10.3)', async () => {
    expect(await claims('REGISTER', '<sip:alice@pbx.test>', { to: '<sip:bob@pbx.test>' })).toBe(
      '403 address-not-owned',
    );
    expect(await claims('REGISTER', '<sip:bob@pbx.test>', { to: '<sip:alice@pbx.test>' })).toBe(
      'pass user alice@pbx.test',
    );
    const anonymous = '<sip:anonymous@anonymous.invalid>';
    expect(await claims('REGISTER', anonymous, { to: anonymous })).toBe('403 address-not-owned');
  });

  test('a To-tag does not make a REGISTER part of a dialog', async () => {
    const to = '<sip:bob@pbx.test>';
    expect(await claims('REGISTER', '<sip:alice@pbx.test>', { to, toTag: 'x' })).toBe('403 address-not-owned');
  });

  test('inside a dialog From is what the dialog began with', async () => {
    expect(await claims('BYE', '<sip:+49301234@pbx.test>', { toTag: 'x' })).toBe('pass user alice@pbx.test');
  });

  test('a refused claim is scored for the user whose password was right', async () => {
    const fixture = new GateFixture();
    await fixture.send(await fixture.signed('INVITE', { from: '<sip:bob@pbx.test>' }));
    expect(fixture.observed.at(-1)).toBe('failed address-not-owned alice');
  });
});
