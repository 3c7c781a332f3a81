// What is left of an INVITE whose 2xx is acknowledged (RFC 6026 §8.7).
import { describe, expect, test } from 'vitest';
import { defaultSipTimers, lifetime } from '../../../../src/sip/transaction/timers.ts';
import { fakeFlow } from '../../../support/fake-transport.ts';
import { request, response } from '../../../support/sip-messages.ts';
import { LayerKit, udpFlow } from './layer-kit.ts';

const invite = request('INVITE');

function acknowledged(): LayerKit {
  const kit = new LayerKit();
  kit.receive(invite);
  kit.server.respond(response(invite, 200));
  kit.server.acknowledged();
  expect(kit.takeHeard()).toEqual(['request INVITE', 'ended completed']);
  kit.transport.take();
  return kit;
}

describe('an INVITE whose 2xx is acknowledged', () => {
  test('keeps copies of it from being new ones for 64 · T1 more', () => {
    const kit = acknowledged();
    kit.receive(invite);
    kit.scheduler.advance(lifetime(defaultSipTimers) - 1);
    kit.receive(invite);
    expect(kit.takeHeard()).toEqual([]);
    expect(kit.transport.take()).toEqual([]);
    expect(kit.layer.active).toBe(1);
    kit.scheduler.advance(1);
    kit.expectEmpty();
  });

  test('is still one of its copies that came another way (RFC 3261 §8.2.2.2)', () => {
    const kit = acknowledged();
    kit.receive(request('INVITE', { branch: 'z9hG4bK-another-way' }));
    expect(kit.transport.takeSummaries()).toEqual(['482 INVITE']);
    expect(kit.takeHeard()).toEqual([]);
  });

  test('passes a further ACK on to its user', () => {
    const kit = acknowledged();
    kit.receive(request('ACK'));
    expect(kit.takeHeard()).toEqual([`ack over ${udpFlow.id}`]);
  });

  test('counts what comes under its branch from somebody else, and drops it', () => {
    const kit = acknowledged();
    const stranger = fakeFlow({ remote: { address: '203.0.113.66', port: 5060 } });
    kit.receive(invite, stranger);
    kit.receive(request('ACK'), stranger);
    expect(kit.layer.counts.foreignRequests).toBe(2);
    expect(kit.takeHeard()).toEqual([]);
  });

  test('cannot be cancelled any more', () => {
    const kit = acknowledged();
    kit.receive(request('CANCEL'));
    expect(kit.transport.takeSummaries()).toEqual(['481 CANCEL']);
    expect(kit.takeHeard()).toEqual([]);
  });

  test('answers nothing more', () => {
    const kit = acknowledged();
    kit.server.respond(response(invite, 200));
    kit.server.acknowledged();
    expect(kit.transport.take()).toEqual([]);
    expect(kit.takeHeard()).toEqual([]);
  });

  test('leaves nothing behind at the shutdown', () => {
    const kit = acknowledged();
    kit.layer.shutdown();
    kit.expectEmpty();
  });
});

test('what was not accepted is not acknowledged', () => {
  const kit = new LayerKit();
  kit.receive(invite);
  kit.server.acknowledged();
  kit.server.respond(response(invite, 486));
  kit.server.acknowledged();
  expect(kit.transport.takeSummaries()).toEqual(['486 INVITE']);
  expect(kit.takeHeard()).toEqual(['request INVITE']);
});
