// Pings of a trunk or PBX by OPTIONS (RFC 3261 §11).
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { PeerProbe } from '../../../src/registration/peer-probe.ts';
import { FakeScheduler, SeededRandom } from '../../support/fake-time.ts';
import { nextHop } from '../../support/fake-transport.ts';
import { FakeRequester } from './outside-requests.ts';

const interval = 30_000;

class Site {
  readonly scheduler = new FakeScheduler();
  readonly userAgent = new FakeRequester();
  readonly told: string[] = [];
  readonly probe = new PeerProbe({
    target: { name: 'trunk:carrier', destination: nextHop(), uri: 'sip:carrier.example', identityHost: 'pbx.test' },
    terms: { interval, downAfter: 2, upAfter: 1 },
    userAgent: this.userAgent,
    scheduler: this.scheduler,
    random: new SeededRandom(5),
    logger: { ...silentLogger, warn: (event) => this.told.push(event) },
    onChanged: (peer, isUp) => this.told.push(`${peer} ${isUp ? 'up' : 'down'}`),
  });

  /** The next ping is out. */
  ping(after = interval): this {
    this.scheduler.advance(after);
    return this;
  }
}

describe('a peer that is pinged', () => {
  test('is asked as nobody in particular, first when the sockets are there, then at each interval', () => {
    const site = new Site();
    site.scheduler.advance(499);
    expect(site.userAgent.sent).toEqual([]);
    site.ping(5_001);
    expect(site.userAgent.sent).toMatchObject([
      {
        method: 'OPTIONS',
        requestUri: 'sip:carrier.example',
        from: '<sip:ping@pbx.test>',
        to: '<sip:carrier.example>',
        destination: nextHop(),
      },
    ]);
    expect([site.userAgent.header('Contact'), site.userAgent.header('Accept')]).toEqual([
      '<sip:192.0.2.10:5060>',
      'application/sdp',
    ]);
    site.userAgent.answer(200);
    site.scheduler.advance(interval - 1);
    expect(site.userAgent.sent).toHaveLength(1);
    site.scheduler.advance(1);
    expect(site.userAgent.sent).toHaveLength(2);
  });

  test('is down when it does not answer or says 503, up with any other answer, and both are told', () => {
    const site = new Site().ping(5_500);
    site.userAgent.fail();
    site.ping().userAgent.answer(503);
    expect([site.probe.isUp, site.told]).toEqual([false, ['peer-down', 'trunk:carrier down']]);
    site.ping().userAgent.answer(404);
    expect([site.probe.isUp, site.told.slice(2)]).toEqual([true, ['peer-up', 'trunk:carrier up']]);
  });

  test('is left alone for as long as it asks with a 503', () => {
    const site = new Site().ping(5_500);
    site.userAgent.answer(503, ['Retry-After', '60']);
    site.ping(59_999);
    expect(site.userAgent.sent).toHaveLength(1);
    site.ping(1);
    expect(site.userAgent.sent).toHaveLength(2);
  });

  test('is pinged no more once that is closed, and its last answer says nothing', () => {
    const site = new Site().ping(5_500);
    site.userAgent.fail();
    site.ping();
    site.probe.close();
    site.userAgent.fail();
    expect([site.probe.isUp, site.scheduler.pending]).toEqual([true, 0]);
    const waiting = new Site();
    waiting.probe.close();
    expect(waiting.ping(60_000).userAgent.sent).toEqual([]);
  });
});
