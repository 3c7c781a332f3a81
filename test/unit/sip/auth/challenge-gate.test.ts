// Who passes, who is asked and who is turned away before any state is made (RFC 3261 §8.2.7, §22, §26.3.2).
import { describe, expect, test } from 'vitest';
import type { GateLimits } from '../../../../src/sip/auth/challenge-gate.ts';
import { userIdentity } from '../../../../src/sip/auth/identity.ts';
import type { SipResponse } from '../../../../src/sip/message/message.ts';
import {
  authorization,
  config,
  datagramFrom,
  flowFrom,
  GateFixture,
  type Outcome,
  type RequestOptions,
  requestOf,
  rulesOf,
  settled,
  summary,
} from './gate-fixture.ts';

const phone = flowFrom('192.0.2.77');
const alice = userIdentity('alice', 'pbx.test');
const limits: GateLimits = { pendingLookUps: 3, lookUpDeadline: 3000, nonceLifetime: 300_000, nonceWindows: 100 };

function answerOf(outcome: Outcome | undefined): SipResponse {
  if (outcome?.kind !== 'answer') throw new Error(outcome?.kind ?? 'nothing');
  return outcome.response;
}

/** The hop-by-hop ACK to an answer: everything of the INVITE, and the To of the answer (RFC 3261 §17.1.1.3). */
function ackTo(answer: SipResponse, over: RequestOptions = {}): ReturnType<typeof requestOf> {
  const tag = (answer.headers.get('To') ?? '').split(';tag=')[1] ?? '';
  return requestOf('ACK', { toTag: tag, ...over });
}

describe('stateless answers (RFC 3261 §8.2.7)', () => {
  test('each copy of a request gets the same To-tag, another request another one', async () => {
    const fixture = new GateFixture();
    const tag = async (over: RequestOptions = {}): Promise<string | undefined> =>
      answerOf(await fixture.send(requestOf('INVITE', over))).headers.get('To');
    const first = await tag();
    expect(await tag()).toBe(first);
    for (const over of [{ callId: 'call-2' }, { fromTag: 'f2' }, { cseq: 2 }, { branch: 'z9hG4bKb' }]) {
      expect(await tag(over)).not.toBe(first);
    }
    fixture.restart();
    expect(await tag()).toBe(first);
  });

  test('the ACK to it is absorbed, without memory of the INVITE', async () => {
    const fixture = new GateFixture();
    const answer = answerOf(await fixture.send(requestOf('INVITE')));
    fixture.restart();
    expect(summary(await fixture.send(ackTo(answer)))).toBe('drop answered-by-gate');
    expect(fixture.observed).toEqual(['challenged']);
  });

  test('an ACK with a made-up tag, or to another request, is not', async () => {
    const fixture = new GateFixture();
    const answer = answerOf(await fixture.send(requestOf('INVITE')));
    for (const over of [{ toTag: 'x' }, { callId: 'call-2' }, { cseq: 2 }, { branch: 'z9hG4bKb' }, { fromTag: 'f2' }]) {
      expect(summary(await fixture.send(ackTo(answer, over)))).toBe('drop stray-ack');
    }
    expect(summary(await fixture.send(requestOf('ACK')))).toBe('drop stray-ack');
  });

  test('the To-tag of a request that has one stays as it is', async () => {
    const answer = answerOf(await new GateFixture().send(requestOf('BYE', { toTag: 'theirs' })));
    expect(answer.headers.get('To')).toBe('<sip:600@pbx.test>;tag=theirs');
  });

  test('an ACK is never answered, whatever it carries and wherever it comes from', async () => {
    const fixture = new GateFixture();
    for (const flow of [
      phone,
      datagramFrom('10.0.0.66', 'to-pbx'),
      flowFrom('192.0.2.9'),
      flowFrom('192.0.2.1', { listener: 'gone' }),
    ]) {
      for (const headers of [
        [],
        ['Authorization: Digest'],
        [authorization({ method: 'ACK', uri: 'sip:600@pbx.test', nonce: 'x' })],
      ]) {
        expect((await fixture.send(requestOf('ACK', { headers }), flow)).kind).toBe('drop');
      }
    }
  });
});

describe('what is in progress', () => {
  test('retransmissions, ACK and CANCEL of live transactions pass to the layer, without an identity of their own', async () => {
    const fixture = new GateFixture();
    for (const method of ['INVITE', 'ACK', 'CANCEL', 'REGISTER']) {
      fixture.transactions.add(`${method} call-1`);
      expect(summary(await fixture.send(requestOf(method)))).toBe('pass anonymous');
    }
    expect(fixture.store.asked).toEqual([]);
  });

  test('a CANCEL for nothing is answered 481 and never challenged (RFC 3261 §9.2, §22.1)', async () => {
    const fixture = new GateFixture();
    for (const flow of [phone, datagramFrom('10.0.0.5', 'to-pbx'), datagramFrom('10.0.0.66', 'to-pbx')]) {
      expect(summary(await fixture.send(requestOf('CANCEL'), flow))).toBe('481 no-transaction');
    }
  });

  test('in-dialog requests on the flow that the dialog uses pass as whose dialog it is', async () => {
    const fixture = new GateFixture();
    fixture.dialog = { flow: phone, identity: alice };
    for (const method of ['BYE', 'INVITE', 'ACK', 'UPDATE', 'INFO', 'PRACK', 'REFER']) {
      expect(summary(await fixture.send(requestOf(method, { toTag: 'ours' }), phone))).toBe('pass user alice@pbx.test');
    }
  });

  test('a request without To-tag is inside no dialog', async () => {
    const fixture = new GateFixture();
    fixture.dialog = { flow: phone, identity: alice };
    expect(summary(await fixture.send(requestOf('INVITE'), phone))).toBe('401 challenged');
  });

  test('in-dialog requests on another flow are challenged, and pass as who they prove to be', async () => {
    const fixture = new GateFixture();
    fixture.dialog = { flow: phone, identity: alice };
    const other = flowFrom('203.0.113.66');
    expect(summary(await fixture.send(requestOf('BYE', { toTag: 'ours' }), other))).toBe('401 challenged');
    expect(summary(await fixture.send(requestOf('ACK', { toTag: 'ours' }), other))).toBe('drop stray-ack');
    const bye = await fixture.signed('BYE', { toTag: 'ours' });
    expect(summary(await fixture.send(bye, other))).toBe('pass user alice@pbx.test');
  });
});

describe('peers that are known by their flow', () => {
  test.each([
    ['the PBX, by address on its listener', datagramFrom('10.0.0.5', 'to-pbx'), 'pass pbx main'],
    ['the PBX as an IPv4-mapped address', datagramFrom('::ffff:10.0.0.5', 'to-pbx'), 'pass pbx main'],
    ['the PBX address on another listener', flowFrom('10.0.0.5'), '401 challenged'],
    ['anybody else on the inside', datagramFrom('10.0.0.6', 'to-pbx'), '403 not-listed'],
    ['an unreadable address on the inside', datagramFrom('', 'to-pbx'), '403 not-listed'],
    ['a trunk by its block', flowFrom('198.51.100.200'), 'pass trunk by-address'],
    ['just outside the block', flowFrom('198.51.101.0'), '401 challenged'],
    [
      'a trunk address over plain TCP',
      flowFrom('198.51.100.200', { transport: 'tcp', secure: false }),
      'pass trunk by-address',
    ],
    ['a trunk address on bare UDP', datagramFrom('192.0.2.1'), '401 challenged'],
    ['a trunk address on bare UDP where that is allowed', datagramFrom('192.0.2.2'), 'pass trunk bare-udp'],
    ['a certificate from anywhere', flowFrom('192.0.2.50', { peerNames: ['roaming.example'] }), 'pass trunk by-name'],
    [
      'a URI name of the same domain',
      flowFrom('192.0.2.50', { peerNames: ['sip:Roaming.Example'] }),
      'pass trunk by-name',
    ],
    ['one name of several', flowFrom('192.0.2.50', { peerNames: ['a', 'roaming.example'] }), 'pass trunk by-name'],
    ['address and certificate', flowFrom('198.51.100.7', { peerNames: ['sip.carrier.example'] }), 'pass trunk by-both'],
    [
      'the certificate without the address',
      flowFrom('192.0.2.50', { peerNames: ['sip.carrier.example'] }),
      '401 challenged',
    ],
    ['a longer name', flowFrom('192.0.2.50', { peerNames: ['x.roaming.example'] }), '401 challenged'],
    [
      'a name on a flow that is not TLS',
      flowFrom('192.0.2.50', { secure: false, peerNames: ['roaming.example'] }),
      '401 challenged',
    ],
  ])('%s', async (_, flow, expected) => {
    const fixture = new GateFixture();
    expect(summary(await fixture.send(requestOf('INVITE'), flow))).toBe(expected);
    expect(fixture.store.asked).toEqual([]);
  });

  test('a listener that the rules do not know lets nothing pass and answers nothing', async () => {
    const flow = flowFrom('198.51.100.7', { listener: 'gone', peerNames: ['roaming.example'] });
    expect(summary(await new GateFixture().send(requestOf('INVITE'), flow))).toBe('drop listener-unknown');
  });

  test('a trunk with challenge = true must know its account, and may then name any caller', async () => {
    const fixture = new GateFixture();
    const flow = flowFrom('192.0.2.9');
    const from = { from: '<sip:+49301234@carrier.example>', uri: 'sip:600@pbx.test' };
    const sign = { username: 'carrier', password: 'trunk password' };
    expect(summary(await fixture.send(requestOf('INVITE', from), flow))).toBe('401 challenged');
    expect(summary(await fixture.send(await fixture.signed('INVITE', from, sign), flow))).toBe('pass trunk challenged');
    const asUser = await fixture.signed('INVITE');
    expect(summary(await fixture.send(asUser, flow))).toBe('401 wrong-response');
    const wrong = await fixture.signed('INVITE', from, { ...sign, password: 'guess' });
    expect(summary(await fixture.send(wrong, flow))).toBe('401 wrong-response');
    expect(fixture.store.asked).toEqual([]);
    expect(summary(await fixture.send(await fixture.signed('INVITE', from, sign)))).toBe('401 wrong-response');
  });

  test('such a trunk is challenged by its listener alone, whichever domain the caller that it names is of', async () => {
    const [first, ...domains] = config.domains;
    if (first === undefined) throw new Error('the fixture has a domain');
    const narrowed = {
      ...config,
      domains: [{ ...first, algorithms: ['SHA-256', 'SHA-512-256'] as const }, ...domains],
    };
    const fixture = new GateFixture({ config: narrowed });
    const sign = { username: 'carrier', password: 'trunk password', algorithm: 'MD5' } as const;
    for (const host of ['carrier.example', 'pbx.test', 'modern.test']) {
      const from = { from: `<sip:+49301234@${host}>`, uri: 'sip:600@modern.test' };
      const request = await fixture.signed('INVITE', from, sign);
      expect(summary(await fixture.send(request, flowFrom('192.0.2.9'))), host).toBe('pass trunk challenged');
    }
  });

  test('an account that is banned from there is refused before anybody is looked up, whatever it knows', async () => {
    const fixture = new GateFixture();
    fixture.barred.add('alice');
    expect(summary(await fixture.send(requestOf('REGISTER')))).toBe('401 challenged');
    const right = await fixture.signed('REGISTER');
    expect(summary(await fixture.send(right))).toBe('403 banned');
    expect(fixture.store.asked).toEqual([]);
  });

  test('new rules hold for what comes next', async () => {
    const fixture = new GateFixture();
    const flow = flowFrom('198.51.100.200');
    fixture.gate.replaceRules(rulesOf({ ...config, peers: [] }));
    expect(summary(await fixture.send(requestOf('INVITE'), flow))).toBe('401 challenged');
  });

  test('without a domain nobody can be challenged, so nobody passes', async () => {
    const fixture = new GateFixture({ config: { ...config, domains: [] } });
    expect(summary(await fixture.send(requestOf('REGISTER')))).toBe('403 no-domain');
  });
});

describe('while a user is being looked up', () => {
  async function waiting(
    fixture: GateFixture,
    method = 'INVITE',
    over: RequestOptions = {},
  ): Promise<ReturnType<typeof requestOf>> {
    const request = await fixture.signed(method, over);
    fixture.outcomes.length = 0;
    fixture.store.isHeld = true;
    fixture.gate.admit(request, phone);
    await settled();
    expect(fixture.outcomes).toEqual([]);
    expect(fixture.gate.pending).toBe(1);
    return request;
  }

  test('retransmissions of the request start no second look-up', async () => {
    const fixture = new GateFixture();
    const request = await waiting(fixture);
    for (let copy = 0; copy < 5; copy += 1) fixture.gate.admit(request, phone);
    fixture.store.release();
    await settled();
    expect(fixture.outcomes.map(summary)).toEqual([
      ...new Array<string>(5).fill('drop lookup-pending'),
      'pass user alice@pbx.test',
    ]);
    expect(fixture.store.asked).toHaveLength(1);
    expect({ pending: fixture.gate.pending, timers: fixture.scheduler.pending }).toEqual({ pending: 0, timers: 0 });
  });

  test('the same branch on another flow does not stand in its way, nor pass with it', async () => {
    const fixture = new GateFixture();
    const request = await waiting(fixture);
    const thief = flowFrom('203.0.113.66');
    fixture.gate.admit(request, thief);
    fixture.store.release();
    await settled();
    expect(fixture.outcomes.map(summary)).toEqual(['pass user alice@pbx.test', '401 nonce-count-reused']);
  });

  test('two requests with one count: the first passes, the other does not', async () => {
    const fixture = new GateFixture();
    const { nonce } = await fixture.challenge();
    const first = await fixture.signed('MESSAGE', { branch: 'z9hG4bK1' }, { nonce });
    const second = await fixture.signed('MESSAGE', { branch: 'z9hG4bK2' }, { nonce });
    fixture.outcomes.length = 0;
    fixture.gate.admit(first, phone);
    fixture.gate.admit(second, phone);
    await settled();
    expect(fixture.outcomes.map(summary)).toEqual(['pass user alice@pbx.test', '401 nonce-count-reused']);
  });

  test('a CANCEL waits behind its INVITE and passes after it', async () => {
    const fixture = new GateFixture();
    await waiting(fixture);
    fixture.gate.admit(requestOf('CANCEL'), phone);
    fixture.gate.admit(requestOf('CANCEL'), phone);
    fixture.store.release();
    await settled();
    expect(
      fixture.outcomes.map((outcome) => (outcome.kind === 'pass' ? outcome.request.method : summary(outcome))),
    ).toEqual(['drop lookup-pending', 'INVITE', 'CANCEL']);
  });

  test('a CANCEL of an INVITE that is then refused gets 481', async () => {
    const fixture = new GateFixture();
    const request = await fixture.signed('INVITE', {}, { password: 'guess' });
    fixture.outcomes.length = 0;
    fixture.gate.admit(request, phone);
    fixture.gate.admit(requestOf('CANCEL'), phone);
    await settled();
    expect(fixture.outcomes.map(summary)).toEqual(['401 wrong-response', '481 no-transaction']);
  });

  test('a CANCEL from another flow does not wait', async () => {
    const fixture = new GateFixture();
    await waiting(fixture);
    fixture.gate.admit(requestOf('CANCEL'), flowFrom('203.0.113.66'));
    expect(fixture.outcomes.map(summary)).toEqual(['481 no-transaction']);
  });

  test('a flow that is gone takes its request with it', async () => {
    const fixture = new GateFixture();
    await waiting(fixture);
    fixture.deadFlows.add(phone);
    fixture.store.release();
    await settled();
    expect(fixture.outcomes.map(summary)).toEqual(['drop flow-gone']);
    expect(fixture.gate.nonceWindows).toBe(0);
  });

  test('there is a limit, beyond which 503 with a Retry-After is the answer', async () => {
    const fixture = new GateFixture({ limits });
    const { nonce } = await fixture.challenge();
    fixture.store.isHeld = true;
    const later: string[] = [];
    for (let index = 0; index < 10; index += 1) {
      const plain = { branch: `z9hG4bK${index}` };
      const request = await fixture.signed('REGISTER', plain, { nonce, nc: index + 1 });
      fixture.gate.admit(request, flowFrom(`192.0.2.${index}`));
    }
    for (const outcome of fixture.outcomes.slice(1)) {
      expect(summary(outcome)).toBe('503 lookups-full');
      later.push(answerOf(outcome).headers.get('Retry-After') ?? '');
    }
    expect(later).toHaveLength(7);
    for (const seconds of later) expect(Number(seconds)).toBeGreaterThanOrEqual(5);
    expect(new Set(later).size).toBeGreaterThan(1);
    expect(fixture.gate.pending).toBe(3);
    fixture.store.release();
    await settled();
    expect(fixture.gate.pending).toBe(0);
  });

  test('a store that never answers is given up, and its late answer lets nothing pass', async () => {
    const fixture = new GateFixture();
    await waiting(fixture);
    fixture.scheduler.advance(3000);
    expect(fixture.outcomes.map(summary)).toEqual(['500 store-unavailable']);
    fixture.store.release();
    await settled();
    expect(fixture.outcomes).toHaveLength(1);
    expect({ pending: fixture.gate.pending, timers: fixture.scheduler.pending }).toEqual({ pending: 0, timers: 0 });
  });

  test('closing forgets what waits', async () => {
    const fixture = new GateFixture();
    await waiting(fixture);
    fixture.gate.close();
    expect({ pending: fixture.gate.pending, timers: fixture.scheduler.pending }).toEqual({ pending: 0, timers: 0 });
    fixture.store.release();
    await settled();
    expect(fixture.outcomes).toEqual([]);
  });
});

describe('a store that fails', () => {
  test.each([{ code: 'disk', detail: 'read error' }, 'throws' as const])('refuses: %j', async (failure) => {
    const fixture = new GateFixture();
    fixture.store.failure = failure;
    const outcome = await fixture.send(await fixture.signed('REGISTER'));
    expect(summary(outcome)).toBe('500 store-unavailable');
    expect(Number(answerOf(outcome).headers.get('Retry-After'))).toBeGreaterThanOrEqual(5);
    expect(answerOf(outcome).reason).not.toContain('read error');
    expect(fixture.observed).toEqual(['challenged']);
  });

  test('is logged with its reason when it begins and when it is over, not for each request', async () => {
    const fixture = new GateFixture();
    await fixture.send(await fixture.signed('REGISTER'));
    fixture.store.failure = { code: 'disk', detail: 'read error' };
    for (let index = 0; index < 3; index += 1) await fixture.send(await fixture.signed('REGISTER'));
    fixture.store.failure = undefined;
    for (let index = 0; index < 3; index += 1) await fixture.send(await fixture.signed('REGISTER'));
    expect(fixture.logged).toEqual([
      { event: 'credential-store-unavailable', fields: { code: 'disk', detail: 'read error' } },
      { event: 'credential-store-back', fields: undefined },
    ]);
  });

  test('does not spend the nonce count: the same request is good when it is back', async () => {
    const fixture = new GateFixture();
    const request = await fixture.signed('REGISTER');
    fixture.store.failure = 'throws';
    await fixture.send(request);
    fixture.store.failure = undefined;
    expect(summary(await fixture.send(request))).toBe('pass user alice@pbx.test');
  });
});

test('nothing that is logged or observed holds a password, a response or a nonce', async () => {
  const fixture = new GateFixture();
  fixture.store.failure = 'throws';
  const request = await fixture.signed('REGISTER');
  await fixture.send(request);
  fixture.store.failure = undefined;
  await fixture.send(await fixture.signed('REGISTER', {}, { password: 'guess' }));
  const told = JSON.stringify([fixture.logged, fixture.observed]);
  expect(told).not.toMatch(/wonder|guess|[0-9a-f]{32}|[A-Za-z0-9_-]{40}/);
});
