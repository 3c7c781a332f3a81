// What goes to a registrar, what its answers mean, and how a registration is given up.
import { describe, expect, test } from 'vitest';
import type { LogFields } from '../../../src/core/logger.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { RegisteringTrunk } from '../../../src/registration/registering-trunk.ts';
import { sequencesOfRequest } from '../../../src/sip/user-agent/outside-request.ts';
import { FakeScheduler, SeededRandom } from '../../support/fake-time.ts';
import { nextHop } from '../../support/fake-transport.ts';
import { FakeRequester } from './outside-requests.ts';

const firstAtLatest = 2_500;

class Site {
  readonly scheduler = new FakeScheduler();
  readonly userAgent = new FakeRequester();
  readonly log: (readonly [event: string, fields: LogFields])[] = [];
  readonly trunk: RegisteringTrunk;

  /** `null`: the Contact stands for all numbers. */
  constructor(contactUser: string | null = 'line1') {
    this.trunk = new RegisteringTrunk({
      name: 'carrier',
      destination: nextHop(),
      registrar: 'sip:carrier.example',
      address: 'sip:account@carrier.example',
      contactUser: contactUser ?? undefined,
      seconds: 600,
      credentials: () => undefined,
      userAgent: this.userAgent,
      scheduler: this.scheduler,
      random: new SeededRandom(5),
      logger: { ...silentLogger, warn: (event, fields = {}) => this.log.push([event, fields]) },
    });
  }

  /** With the first REGISTER out. */
  static begun(contactUser?: string | null): Site {
    const site = new Site(contactUser);
    site.scheduler.advance(firstAtLatest);
    return site;
  }

  get asked(): number {
    return this.userAgent.sent.length;
  }

  /** How long until the next REGISTER, if there is one within an hour. */
  next(): number {
    const [before, start] = [this.asked, this.scheduler.clock.now()];
    for (let step = 0; step < 3_600 && this.asked === before; step += 1) this.scheduler.advance(1_000);
    return this.asked === before ? Number.POSITIVE_INFINITY : this.scheduler.clock.now() - start;
  }
}

describe('a REGISTER of ours (RFC 3261 §10.2)', () => {
  test('comes when the sockets are there, for the address of record, with our Contact', () => {
    const site = new Site();
    site.scheduler.advance(499);
    expect(site.asked).toBe(0);
    site.scheduler.advance(firstAtLatest - 499);
    expect(site.userAgent.sent).toMatchObject([
      {
        method: 'REGISTER',
        requestUri: 'sip:carrier.example',
        from: '<sip:account@carrier.example>',
        to: '<sip:account@carrier.example>',
        destination: nextHop(),
        sequence: 1,
      },
    ]);
    expect(site.userAgent.header('Contact')).toBe('<sip:line1@192.0.2.10:5060>;expires=600');
    expect(site.userAgent.header('Expires')).toBe('600');
    expect(site.userAgent.header('Require')).toBeUndefined();
  });

  test('of all numbers of the registrar says so, and that it must be understood (RFC 6140 §5.2)', () => {
    const site = Site.begun(null);
    expect(site.userAgent.header('Contact')).toBe('<sip:192.0.2.10:5060;bnc>;expires=600');
    expect([site.userAgent.header('Require'), site.userAgent.header('Proxy-Require')]).toEqual(['gin', 'gin']);
    site.userAgent.answer(200, ['Contact', '<sip:a;user=b>;expires=400, <sip:192.0.2.10;bnc>;expires=100']);
    expect(Math.round(site.next() / 1_000)).toBe(50);
  });

  test('has one Call-ID and rising sequence numbers, with room for answers to challenges', () => {
    const site = Site.begun();
    site.userAgent.answer(200);
    site.next();
    const [first, second] = site.userAgent.sent;
    expect(second?.callId).toBe(first?.callId);
    expect(first?.callId).toMatch(/^[0-9a-f]{32}$/);
    expect(second?.sequence).toBe(1 + sequencesOfRequest);
  });
});

describe('an answer', () => {
  test.each([
    ['grants what it says of our Contact', [['Contact', '<sip:line1@a>;expires=100, <sip:line2@a>;expires=400']], 50],
    [
      'of which others come first',
      [
        ['Contact', '<sip:line2@a>;expires=400'],
        ['Contact', '<sip:line1@a>;expires=100'],
      ],
      50,
    ],
    [
      'that says nothing of ours grants what it says of all',
      [
        ['Contact', '<tel:+1>;expires=9'],
        ['Expires', '200'],
      ],
      140,
    ],
    ['that says nothing grants what was asked for', [], 540],
    [
      'whose contacts cannot be read grants what it says of all',
      [
        ['Contact', '<'],
        ['Expires', '200'],
      ],
      140,
    ],
  ] as const)('%s', (_what, headers, seconds) => {
    const site = Site.begun();
    site.userAgent.answer(200, ...headers);
    expect(site.trunk.isRegistered).toBe(true);
    expect(Math.round(site.next() / 1_000)).toBe(seconds);
    expect(site.log).toEqual([['trunk-registered', { trunk: 'carrier' }]]);
  });

  test('of 423 has it asked for longer at once (§10.2.8)', () => {
    const site = Site.begun();
    site.userAgent.answer(423, ['Min-Expires', '1800']);
    expect([site.asked, site.userAgent.header('Expires')]).toEqual([2, '1800']);
    site.userAgent.answer(423);
    expect(site.asked).toBe(2);
    expect(site.log.at(-1)).toEqual(['trunk-registration-refused', { trunk: 'carrier', status: 423 }]);
  });

  test.each([
    [403, false],
    [299, true],
    [300, false],
    [404, false],
    [408, true],
    [499, false],
    [500, true],
    [503, true],
    [599, true],
    [600, false],
  ])('of %d to a refresh leaves us registered: %s', (status, isRegistered) => {
    const site = Site.begun();
    site.userAgent.answer(200);
    site.next();
    site.userAgent.answer(status);
    expect(site.trunk.isRegistered).toBe(isRegistered);
  });

  test('that says when to come back is waited for', () => {
    for (const status of [403, 503]) {
      const site = Site.begun();
      site.userAgent.answer(status, ['Retry-After', '1200']);
      expect(site.next()).toBe(1_200_000);
    }
  });

  test('that never comes is asked for again soon', () => {
    const site = Site.begun();
    site.userAgent.fail();
    expect(site.next()).toBeLessThanOrEqual(2_000);
  });
});

describe('the end', () => {
  test('asks for no more, whatever comes in then', () => {
    const site = Site.begun();
    site.trunk.close();
    site.userAgent.answer(200);
    expect([site.trunk.isRegistered, site.next(), site.scheduler.pending]).toEqual([
      false,
      Number.POSITIVE_INFINITY,
      0,
    ]);
    const waiting = new Site();
    waiting.trunk.close();
    expect(waiting.scheduler.pending).toBe(0);
  });

  test('takes back what is registered, once, and says until when that is not answered', () => {
    const site = Site.begun();
    site.userAgent.answer(200);
    site.trunk.withdraw();
    expect([site.asked, site.userAgent.header('Expires'), site.trunk.isWithdrawing]).toEqual([2, '0', true]);
    expect(site.userAgent.header('Contact')).toBe('<sip:line1@192.0.2.10:5060>;expires=0');
    site.trunk.withdraw();
    expect(site.asked).toBe(2);
    site.userAgent.answer(200);
    expect([site.trunk.isWithdrawing, site.next()]).toEqual([false, Number.POSITIVE_INFINITY]);
  });

  test('takes nothing back where nothing is registered', () => {
    const site = Site.begun();
    site.trunk.withdraw();
    expect([site.asked, site.trunk.isWithdrawing]).toEqual([1, false]);
  });

  test('waits no longer for a registrar that does not answer what was taken back', () => {
    const site = Site.begun();
    site.userAgent.answer(200);
    site.trunk.withdraw();
    site.userAgent.fail();
    expect(site.trunk.isWithdrawing).toBe(false);
  });
});
