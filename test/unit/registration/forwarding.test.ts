// Registrations that are passed on to a PBX: what it is sent, what its answers mean, and what the phones hear that wait for them.
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { Forwarding, type ForwardTarget, forwardDeadline } from '../../../src/registration/forwarding.ts';
import { defaultMidLimits } from '../../../src/registration/mid-registrar.ts';
import { FakeScheduler, SeededRandom } from '../../support/fake-time.ts';
import { nextHop } from '../../support/fake-transport.ts';
import { FakeRequester } from './outside-requests.ts';

const aor = 'alice@pbx.test';
const lifetime = 86_400_000;
const ours = '<sip:t-alice@192.0.2.10:5060>';

class Site {
  readonly scheduler = new FakeScheduler();
  readonly userAgent = new FakeRequester();
  readonly logged: (readonly [event: string, fields: object])[] = [];
  readonly forwarding: Forwarding;

  constructor(by: ForwardTarget['by'] = 'contact') {
    const log = (event: string, fields: object = {}): number => this.logged.push([event, fields]);
    this.forwarding = new Forwarding({
      userAgent: this.userAgent,
      target: { name: 'main', destination: nextHop(), credentials: () => undefined, by },
      tokenOf: (one) => `t-${one.slice(0, one.lastIndexOf('@'))}`,
      scheduler: this.scheduler,
      random: new SeededRandom(3),
      logger: { ...silentLogger, warn: log, error: log },
    });
  }

  /** A phone waits; what it hears, as it stands. */
  bound(user = aor): { heard: number | undefined | 'nothing' } {
    const phone: { heard: number | undefined | 'nothing' } = { heard: 'nothing' };
    void this.forwarding.bound(user, lifetime).then((status) => {
      phone.heard = status;
    });
    return phone;
  }

  /** What the phone hears of this answer to its first REGISTER. */
  async heard(
    status: number,
    ...headers: readonly (readonly [string, string])[]
  ): Promise<number | undefined | 'nothing'> {
    const phone = this.bound();
    this.userAgent.answer(status, ...headers);
    await settled();
    return phone.heard;
  }
}

/** Those who wait hear it in a later turn. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('what the PBX is sent', () => {
  test('is a Contact of ours under a token, for as long as we ask', () => {
    const site = new Site();
    site.bound();
    expect(site.userAgent.sent).toMatchObject([
      {
        method: 'REGISTER',
        requestUri: 'sip:pbx.test',
        from: '<sip:alice@pbx.test>',
        to: '<sip:alice@pbx.test>',
        destination: nextHop(),
      },
    ]);
    const { seconds } = defaultMidLimits;
    expect(site.userAgent.header('Contact')).toBe(`${ours};expires=${seconds}`);
    expect(site.userAgent.header('Expires')).toBe(String(seconds));
    expect([site.userAgent.header('Path'), site.userAgent.header('Supported')]).toEqual([undefined, undefined]);
  });

  test('is the user’s own Contact with the token in Path, where it takes that', () => {
    const site = new Site('path');
    site.bound();
    expect(site.userAgent.header('Contact')).toMatch(/^<sip:alice@192\.0\.2\.10:5060>;expires=/);
    expect(site.userAgent.header('Path')).toBe('<sip:t-alice@192.0.2.10:5060;lr>');
    expect(site.userAgent.header('Supported')).toBe('path');
  });

  test('says whose it is as the last @ parts user and domain', () => {
    const site = new Site('path');
    site.bound('a@b@pbx.test');
    expect(site.userAgent.sent[0]).toMatchObject({ requestUri: 'sip:pbx.test', to: '<sip:a%40b@pbx.test>' });
  });

  test('is taken back with no lifetime when nobody is there any more, and when nothing is passed on any more', async () => {
    for (const end of ['unbound', 'withdraw'] as const) {
      const site = new Site();
      await site.heard(200, ['Contact', `${ours};expires=600`]);
      expect(site.forwarding.aorOf('t-alice')).toBe(aor);
      if (end === 'unbound') site.forwarding.unbound(aor);
      else site.forwarding.withdraw();
      expect(site.userAgent.header('Contact')).toBe(`${ours};expires=0`);
      expect(site.forwarding.aorOf('t-alice')).toBeUndefined();
      site.userAgent.answer(200);
      expect([site.forwarding.size, site.scheduler.pending]).toEqual([0, 0]);
    }
  });
});

describe('what its answer means', () => {
  test('accepted, phones hear that it has them, and it is refreshed before what it grants is over', async () => {
    const site = new Site();
    expect(await site.heard(200, ['Contact', `${ours};expires=600`])).toBeUndefined();
    site.scheduler.advance(359_999);
    expect(site.userAgent.sent.filter(({ headers }) => headers.has('Contact'))).toHaveLength(1);
    site.scheduler.advance(240_000);
    expect(site.userAgent.sent.filter(({ headers }) => headers.has('Contact'))).toHaveLength(2);
  });

  test.each([
    [
      'what stands at our Contact, other ones beside it',
      [['Contact', `<sip:x@192.0.2.99>;expires=9000, ${ours};expires=100`]],
      100,
    ],
    [
      'our Contact with parameters that the PBX has added',
      [['Contact', '<sip:t-alice@192.0.2.10;ob>;expires=100']],
      100,
    ],
    [
      'Expires where our Contact says nothing',
      [
        ['Contact', ours],
        ['Expires', '100'],
      ],
      100,
    ],
    ['Expires where the PBX lists nothing', [['Expires', '100']], 100],
    [
      'Expires where it lists another user',
      [
        ['Contact', '<sip:t-bob@192.0.2.10:5060>;expires=9000'],
        ['Expires', '100'],
      ],
      100,
    ],
    [
      'Expires where it lists another host',
      [
        ['Contact', '<sip:t-alice@192.0.2.11:5060>;expires=9000'],
        ['Expires', '100'],
      ],
      100,
    ],
    [
      'Expires where it lists another port',
      [
        ['Contact', '<sip:t-alice@192.0.2.10:5070>;expires=9000'],
        ['Expires', '100'],
      ],
      100,
    ],
    [
      'Expires where it lists a number',
      [
        ['Contact', '<tel:+4420>;expires=9000'],
        ['Expires', '100'],
      ],
      100,
    ],
    [
      'Expires where it lists no telephone',
      [
        ['Contact', '<mailto:t-alice@192.0.2.10>;expires=9000'],
        ['Expires', '100'],
      ],
      100,
    ],
    [
      'Expires where it lists everything',
      [
        ['Contact', '*'],
        ['Expires', '100'],
      ],
      100,
    ],
    [
      'Expires where its list cannot be read',
      [
        ['Contact', '<sip:'],
        ['Expires', '100'],
      ],
      100,
    ],
    ['what we asked for where it says nothing', [], defaultMidLimits.seconds],
  ] as const)('grants %s', async (_, headers, seconds) => {
    const site = new Site();
    expect(await site.heard(200, ...headers)).toBeUndefined();
    const registers = (): number => site.userAgent.sent.filter(({ headers: sent }) => sent.has('Contact')).length;
    // Between three and nine tenths of it, never before 15 s.
    site.scheduler.advance(seconds * 600 - 1);
    expect(registers()).toBe(1);
    site.scheduler.advance(seconds * 300);
    expect(registers()).toBe(2);
  });

  test.each([403, 404, 600, 603])('%i is the same to the phone', async (status) => {
    expect(await new Site().heard(status)).toBe(status);
  });

  test.each([
    // Of a hop, or of our request: not of the phone's.
    ...[300, 302, 399, 400, 401, 405, 407, 416, 420, 421, 430, 439, 481, 482, 483],
    ...[408, 500, 503, 599],
  ])('%i is 500 to the phone', async (status) => {
    expect(await new Site().heard(status)).toBe(500);
  });

  test.each([
    [401, ['pbx-challenge-unanswered', 'pbx-refused-registration']],
    [407, ['pbx-challenge-unanswered', 'pbx-refused-registration']],
    [403, ['pbx-refused-registration']],
    [503, []],
  ])('%i is logged as what it is', async (status, events) => {
    const site = new Site();
    await site.heard(status);
    expect(site.logged.map(([event]) => event)).toEqual(events);
  });

  test.each([300, 403, 600, 699])('%i is a refusal: it is not tried again by itself', async (status) => {
    const site = new Site();
    await site.heard(status);
    site.scheduler.advance(10 * defaultMidLimits.retryInterval);
    expect(site.userAgent.sent).toHaveLength(1);
    expect(site.forwarding.size).toBe(0);
  });

  test.each([408, 500, 503, 599])('%i is a failure of now: it is tried again', async (status) => {
    const site = new Site();
    await site.heard(status);
    site.scheduler.advance(2 * defaultMidLimits.retryInterval);
    expect(site.userAgent.sent).toHaveLength(2);
    expect(site.logged).toEqual([]);
  });

  test('no answer is 504 to the phone, and tells that the PBX is lost; the next answer, that it is back', async () => {
    const site = new Site();
    const phone = site.bound();
    site.userAgent.fail();
    await settled();
    expect(phone.heard).toBe(504);
    expect(site.logged).toEqual([['pbx-lost', { pbx: 'main', registrations: 1 }]]);
    site.scheduler.advance(2 * defaultMidLimits.retryInterval);
    site.userAgent.answer(200, ['Contact', ours]);
    expect(site.logged[1]).toEqual(['pbx-back', { pbx: 'main', registrations: 1 }]);
  });

  test.each(['timeout', 'transport'] as const)('a %s is silence', (cause) => {
    const site = new Site();
    site.bound();
    site.userAgent.fail(cause);
    expect(site.logged.map(([event]) => event)).toEqual(['pbx-lost']);
  });

  test('what it could not be asked for another reason is no silence, and 504 to the phone', async () => {
    const site = new Site();
    const phone = site.bound();
    site.userAgent.fail('response');
    await settled();
    expect([phone.heard, site.logged]).toEqual([504, []]);
  });

  test('a Contact of ours at another port is told from one at the usual port', async () => {
    const site = new Site();
    site.userAgent.contactFor = (_, user = '') => `<sip:${user}@192.0.2.10:5070>`;
    await site.heard(200, ['Contact', '<sip:t-alice@192.0.2.10>;expires=9000'], ['Expires', '100']);
    site.scheduler.advance(90_000);
    expect(site.userAgent.sent.filter(({ headers }) => headers.has('Contact'))).toHaveLength(2);
  });

  test('423 has it asked at once for as long as the PBX wants', async () => {
    const site = new Site();
    const phone = site.bound();
    site.userAgent.answer(423, ['Min-Expires', '7200']);
    expect(site.userAgent.header('Expires')).toBe('7200');
    site.userAgent.answer(200, ['Contact', ours]);
    await settled();
    expect(phone.heard).toBeUndefined();
  });

  test('423 without a number is refused with 500', async () => {
    expect(await new Site().heard(423)).toBe(500);
  });
});

describe('the PBX is asked now and then what it holds', () => {
  test('without a Contact, and told again what it has forgotten', async () => {
    const site = new Site();
    await site.heard(200, ['Contact', ours]);
    site.scheduler.advance(defaultMidLimits.probeInterval);
    expect([site.userAgent.sent.length, site.userAgent.header('Contact')]).toEqual([2, undefined]);
    site.userAgent.answer(200, ['Contact', ours]);
    expect([site.userAgent.sent.length, site.logged]).toEqual([2, []]);
    site.scheduler.advance(defaultMidLimits.probeInterval);
    expect(site.userAgent.sent).toHaveLength(3);
    site.userAgent.answer(200);
    expect(site.logged.map(([event]) => event)).toEqual(['pbx-forgot']);
    expect(site.userAgent.header('Contact')).toMatch(/expires=3600$/);
  });
});

describe('phones that wait', () => {
  test('hear the same answer, and nobody waits twice', async () => {
    const site = new Site();
    const phones = [site.bound(), site.bound()];
    expect(site.userAgent.sent).toHaveLength(1);
    site.userAgent.answer(403);
    await settled();
    expect(phones.map(({ heard }) => heard)).toEqual([403, 403]);
    expect(site.scheduler.pending).toBe(0);
  });

  test('hear 504 when the PBX takes too long, and only those who have waited so long', async () => {
    const site = new Site();
    const first = site.bound();
    site.scheduler.advance(forwardDeadline - 1);
    const second = site.bound();
    await settled();
    expect(first.heard).toBe('nothing');
    site.scheduler.advance(1);
    await settled();
    expect([first.heard, second.heard]).toEqual([504, 'nothing']);
    site.userAgent.answer(200, ['Contact', ours]);
    await settled();
    expect([first.heard, second.heard]).toEqual([504, undefined]);
  });

  test('hear of their own user alone', async () => {
    const site = new Site();
    const alice = site.bound();
    const bob = site.bound('bob@pbx.test');
    site.userAgent.answer(404);
    await settled();
    expect([alice.heard, bob.heard]).toEqual(['nothing', 404]);
  });

  test('hear 503 when the process ends, which says nothing more to the PBX', async () => {
    const site = new Site();
    const phone = site.bound();
    site.forwarding.close();
    await settled();
    expect(phone.heard).toBe(503);
    expect(site.scheduler.pending).toBe(0);
    site.userAgent.answer(200, ['Contact', ours]);
    site.forwarding.unbound(aor);
    expect([site.userAgent.sent.length, site.scheduler.pending]).toEqual([1, 0]);
  });

  test('that go while they wait hear 480, and the PBX is told so when it has answered', async () => {
    const site = new Site();
    const phone = site.bound();
    site.forwarding.unbound(aor);
    await settled();
    expect(phone.heard).toBe(480);
    site.userAgent.answer(200, ['Contact', ours]);
    expect(site.userAgent.header('Contact')).toBe(`${ours};expires=0`);
  });
});
