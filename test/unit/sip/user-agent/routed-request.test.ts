// The way of a request to its next hop: size and transport (RFC 3261 §18.1.1), fail-over (RFC 3263 §4.3), credentials on the way.
import { describe, expect, test } from 'vitest';
import { Headers } from '../../../../src/sip/message/headers.ts';
import type { HopLocator, Located } from '../../../../src/sip/transport/hop-locator.ts';
import { Resolver } from '../../../../src/sip/transport/resolver.ts';
import { longestDatagramBytes } from '../../../../src/sip/user-agent/routed-request.ts';
import { FakeDns } from '../../../support/fake-dns.ts';
import { FakeScheduler, SeededRandom } from '../../../support/fake-time.ts';
import { nextHop } from '../../../support/fake-transport.ts';
import { AgentKit, answer } from './agent-kit.ts';

const scheduler = (): FakeScheduler => new FakeScheduler();

/** A kit whose next hops are found in the numbers that they are. */
function kitOf(): AgentKit {
  return new AgentKit(
    new Resolver({ dns: new FakeDns(), scheduler: scheduler(), random: new SeededRandom(1), familiesOf: () => [4] }),
  );
}

const long = { contentType: 'application/sdp', bytes: Buffer.alloc(longestDatagramBytes, 0x61) };
const toTrunk = nextHop({ transport: 'tls', host: '192.0.2.1', port: 5061 });
const other = nextHop({ transport: 'tls', host: '192.0.2.2', port: 5061 });

function transportsOf(kit: AgentKit): readonly string[] {
  return kit.transport.take().map(({ message, to }) => {
    const via = message.headers.get('Via')?.split(' ')[0] ?? '';
    return `${message.kind === 'request' ? message.method : message.status} ${to.kind === 'next-hop' ? to.transport : to.flow.transport} ${via}`;
  });
}

describe('a request over 1,300 bytes to a next hop on UDP (RFC 3261 §18.1.1)', () => {
  test('goes by TCP, and its Via says so', () => {
    const kit = kitOf();
    kit.invite({ body: long });
    expect(transportsOf(kit)).toEqual(['INVITE tcp SIP/2.0/TCP']);
  });

  test('goes by UDP where TCP is refused, and from then on at once', () => {
    const kit = kitOf();
    kit.transport.hasNoTcp = true;
    kit.invite({ body: long });
    expect(transportsOf(kit)).toEqual(['INVITE tcp SIP/2.0/TCP', 'INVITE udp SIP/2.0/UDP']);
    kit.invite({ body: long });
    expect(transportsOf(kit)).toEqual(['INVITE udp SIP/2.0/UDP']);
    expect(kit.take()).toEqual([]);
  });

  test('that is answered 503 by TCP is not asked again by UDP', () => {
    const kit = kitOf();
    kit.invite({ body: long });
    kit.respond(kit.transport.takeRequest(), 503);
    expect(transportsOf(kit)).toEqual(['ACK tcp SIP/2.0/TCP']);
    expect(kit.take()).toEqual(['failed 503 response']);
    kit.expectEmpty();
  });

  test('counts from the first byte too many, with the Via that is still to come', () => {
    const kit = kitOf();
    const sizes: number[] = [];
    for (let length = 700; length < 1_300; length += 1) {
      kit.invite({ body: { contentType: 'application/sdp', bytes: Buffer.alloc(length, 0x61) } });
      const [sent] = kit.transport.take();
      if (sent?.to.kind === 'next-hop' && sent.to.transport === 'udp') {
        const { body, headers } = sent.message;
        let size = body.length + 40;
        for (const [name, value] of headers.entries()) size += name.length + value.length + 4;
        sizes.push(size);
      }
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(longestDatagramBytes);
    expect(Math.max(...sizes)).toBeGreaterThan(longestDatagramBytes - 200);
  });

  test('a short one stays on UDP', () => {
    const kit = kitOf();
    kit.invite();
    expect(transportsOf(kit)).toEqual(['INVITE udp SIP/2.0/UDP']);
  });
});

/** Finds the same two servers for every hop, and notes what became of them. */
class TwoServers implements HopLocator {
  readonly notes: string[] = [];

  locate(_hop: unknown, onLocated: (located: Located) => void): void {
    onLocated({ kind: 'hops', hops: [toTrunk, other] });
  }

  failed({ host }: { readonly host: string }): void {
    this.notes.push(`failed ${host}`);
  }

  refused({ host }: { readonly host: string }, retryAfter: number): void {
    this.notes.push(`refused ${host} ${retryAfter}`);
  }

  lacksTcp(): void {
    this.notes.push('lacks-tcp');
  }

  mayHaveTcp(): boolean {
    return true;
  }
}

describe('fail-over (RFC 3263 §4.3)', () => {
  test('credentials go to the server that asked, and the next server is still there behind it', () => {
    const locator = new TwoServers();
    const kit = new AgentKit(locator);
    const answers: string[] = [];
    const credentials = {
      answer: (): { ok: true; value: { header: string; value: string } } => {
        answers.push('asked');
        return { ok: true, value: { header: 'Authorization', value: 'Digest for-you' } };
      },
    };
    kit.invite({ destination: nextHop({ transport: 'tls', host: 'trunk.example', port: 5061 }), credentials });
    kit.respond(kit.transport.takeRequest(), 401);
    const [, again] = kit.transport.take();
    expect(again?.to).toEqual(toTrunk);
    expect(again?.message.headers.get('Authorization')).toBe('Digest for-you');
    expect(again?.message.headers.get('CSeq')).toBe('2 INVITE');
    if (again?.message.kind !== 'request') throw new Error('no request');
    kit.respond(again.message, 503);
    const [, moved] = kit.transport.take();
    expect(moved?.to).toEqual(other);
    expect(answers).toEqual(['asked']);
    expect(locator.notes).toEqual(['failed 192.0.2.1']);
  });

  test('a 503 with Retry-After is remembered as such, seconds and all', () => {
    const locator = new TwoServers();
    const kit = new AgentKit(locator);
    kit.invite({ destination: toTrunk });
    kit.respond(kit.transport.takeRequest(), 503, { fields: [['Retry-After', '18000;duration=3600']] });
    expect(locator.notes).toEqual(['refused 192.0.2.1 18000000']);
  });

  test('the last server’s failure is the request’s', () => {
    const kit = new AgentKit(new TwoServers());
    kit.transport.failure = { code: 'connect-failed', detail: 'no route' };
    kit.invite({ destination: toTrunk });
    expect(kit.take()).toEqual(['failed 503 transport']);
    expect(kit.transport.take()).toHaveLength(2);
    kit.expectEmpty();
  });

  test('no hop at all is a failure that is heard after the call was made', () => {
    const nowhere: HopLocator = {
      locate: (_hop, onLocated) => onLocated({ kind: 'nowhere', reason: 'no address' }),
      failed: () => {},
      refused: () => {},
      lacksTcp: () => {},
      mayHaveTcp: () => false,
    };
    const kit = new AgentKit(nowhere);
    const call = kit.agent.invite(
      {
        destination: toTrunk,
        requestUri: 'sip:1@t',
        from: '<sip:a@t>',
        to: '<sip:1@t>',
        headers: Headers.empty,
        peer: { kind: 'trunk', name: 't' },
      },
      {
        session: kit.handlers(),
        onProvisional: () => {},
        onAnswered: () => {},
        onFailed: ({ status, cause }) => kit.heard.push(`failed ${status} ${cause}`),
      },
    );
    expect(kit.take()).toEqual([]);
    kit.advance(0);
    expect(kit.take()).toEqual(['failed 503 transport']);
    expect(kit.logged).toContain('next-hop-not-found');
    call.cancel();
    kit.expectEmpty();
  });
});

describe('a next hop that says nothing', () => {
  const silent = nextHop({ transport: 'tls', host: '192.0.2.1', port: 5061, responseWithin: 3_000 });

  class SilentServers extends TwoServers {
    override locate(_hop: unknown, onLocated: (located: Located) => void): void {
      onLocated({ kind: 'hops', hops: [silent, { ...other, responseWithin: 3_000 }] });
    }
  }

  test('is given up after the configured time, and the next server is asked', () => {
    const locator = new SilentServers();
    const kit = new AgentKit(locator);
    kit.invite({ destination: silent });
    kit.transport.takeRequest();
    kit.scheduler.advance(2_999);
    expect(kit.transport.take()).toEqual([]);
    kit.scheduler.advance(1);
    expect(kit.transport.take().map(({ to }) => to)).toEqual([{ ...other, responseWithin: 3_000 }]);
    expect(locator.notes).toEqual(['failed 192.0.2.1']);
  });

  test('is the failure of the request where no server answers', () => {
    const kit = new AgentKit(new SilentServers());
    kit.invite({ destination: silent });
    kit.scheduler.advance(6_000);
    expect(kit.take()).toEqual(['failed 408 timeout']);
    kit.scheduler.advance(64_000);
    kit.transport.take();
    kit.expectEmpty();
  });

  test('may take its time once it has said 100', () => {
    const kit = new AgentKit(new SilentServers());
    kit.invite({ destination: silent });
    kit.respond(kit.transport.takeRequest(), 100);
    kit.scheduler.advance(60_000);
    expect(kit.transport.take()).toEqual([]);
  });

  test('is cancelled when it rings after it was given up (RFC 3261 §9.1)', () => {
    const kit = new AgentKit(new SilentServers());
    kit.invite({ destination: silent });
    const first = kit.transport.takeRequest();
    kit.scheduler.advance(3_000);
    kit.transport.takeRequest();
    kit.respond(first, 180);
    expect(kit.sent()).toEqual(['CANCEL']);
    expect(kit.take()).toEqual([]);
  });

  test('that answers after it was given up is ended where another one has answered', () => {
    const kit = new AgentKit(new SilentServers());
    kit.invite({ destination: silent });
    const first = kit.transport.takeRequest();
    kit.scheduler.advance(3_000);
    kit.respond(kit.transport.takeRequest(), 200, { body: answer });
    kit.transport.take();
    kit.take();
    kit.respond(first, 200, { tag: 'late', body: answer });
    expect(kit.sent()).toEqual(['ACK', 'BYE']);
    expect(kit.take()).toEqual([]);
  });

  test('that answers while the next one is asked has the call', () => {
    const kit = new AgentKit(new SilentServers());
    kit.invite({ destination: silent });
    const first = kit.transport.takeRequest();
    kit.scheduler.advance(3_000);
    const second = kit.transport.takeRequest();
    kit.respond(first, 200, { body: answer });
    expect(kit.take()).toEqual(['answered to-1']);
    kit.transport.take();
    kit.respond(second, 180);
    expect(kit.sent()).toEqual(['CANCEL']);
  });
});
