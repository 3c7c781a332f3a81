// What is left of a request of ours that is over for its user (RFC 6026 §8.4, RFC 3261 §17.1.2.2).
import { describe, expect, test } from 'vitest';
import { defaultSipTimers, lifetime } from '../../../../src/sip/transaction/timers.ts';
import type { ClientTransaction } from '../../../../src/sip/transaction/transaction-layer.ts';
import { flowTo, nextHop, summaryOf } from '../../../support/fake-transport.ts';
import { requestWithoutVia, response } from '../../../support/sip-messages.ts';
import { LayerKit } from './layer-kit.ts';

const peer = flowTo(nextHop());
const releaseAfter = 1_000;

/** An INVITE of ours that got this, and is released for late answers to be noted. */
function released(...statuses: readonly number[]): { readonly kit: LayerKit; readonly invite: ClientTransaction } {
  const kit = new LayerKit();
  const invite = kit.request(requestWithoutVia('INVITE'), nextHop());
  for (const status of statuses) kit.receive(response(invite.request, status), peer);
  kit.takeHeard();
  kit.transport.take();
  kit.scheduler.advance(releaseAfter);
  invite.release(() => (late, flow) => kit.heard.push(`late ${summaryOf(late)} over ${flow.id}`));
  return { kit, invite };
}

describe('an INVITE that is released after its 2xx', () => {
  test('is over for its user at once, and tells 2xx to whoever is named until 64 · T1 after the first', () => {
    const { kit, invite } = released(180, 200);
    expect(kit.takeHeard()).toEqual(['terminated']);
    kit.scheduler.advance(lifetime(defaultSipTimers) - releaseAfter - 1);
    kit.receive(response(invite.request, 200, 'fork'), peer);
    expect(kit.takeHeard()).toEqual([`late 200 INVITE over ${peer.id}`]);
    expect(kit.layer).toMatchObject({ active: 1, lingering: 1 });
    kit.scheduler.advance(1);
    kit.expectEmpty();
    kit.receive(response(invite.request, 200), peer);
    expect(kit.takeHeard()).toEqual(['stray 200 INVITE']);
  });

  test('drops what is no 2xx, and sends nothing', () => {
    const { kit, invite } = released(200);
    kit.takeHeard();
    for (const status of [100, 180, 302, 486]) kit.receive(response(invite.request, status), peer);
    invite.cancel();
    invite.abandon();
    expect(kit.takeHeard()).toEqual([]);
    expect(kit.transport.take()).toEqual([]);
    expect(kit.layer.counts.strayResponses).toBe(0);
  });

  test('goes on when whoever is named throws', () => {
    const { kit, invite } = released(200);
    kit.takeHeard();
    invite.release(() => () => kit.heard.push('a second one'));
    const failing = kit.request(requestWithoutVia('INVITE'), nextHop());
    kit.receive(response(failing.request, 200), peer);
    failing.release(() => () => {
      throw new Error('test');
    });
    kit.receive(response(failing.request, 200), peer);
    kit.receive(response(invite.request, 200), peer);
    expect(kit.takeHeard().at(-1)).toBe(`late 200 INVITE over ${peer.id}`);
    expect(kit.layer.counts.userErrors).toBe(1);
  });

  test('leaves nothing behind at the shutdown', () => {
    const { kit } = released(200);
    kit.layer.shutdown();
    kit.expectEmpty();
  });
});

test.each([[[]], [[180]], [[486]]])('an INVITE that has no 2xx is not released (%j)', (statuses: number[]) => {
  const { kit, invite } = released(...statuses);
  expect(kit.takeHeard()).toEqual([]);
  kit.receive(response(invite.request, 200), peer);
  expect(kit.takeHeard()).toEqual([statuses[0] === 486 ? 'stray 200 INVITE' : 'response 200 INVITE']);
});

test('another request is over with its final answer, and drops copies of it for T4 (§17.1.2.2)', () => {
  const kit = new LayerKit();
  const { request: bye } = kit.request(requestWithoutVia('BYE', { toTag: 'to-1' }), nextHop());
  kit.receive(response(bye, 200), peer);
  expect(kit.takeHeard()).toEqual(['response 200 BYE', 'terminated']);
  kit.scheduler.advance(defaultSipTimers.t4 - 1);
  kit.receive(response(bye, 200), peer);
  kit.receive(response(bye, 500), peer);
  expect(kit.takeHeard()).toEqual([]);
  expect(kit.layer.counts.strayResponses).toBe(0);
  kit.scheduler.advance(1);
  kit.expectEmpty();
});
