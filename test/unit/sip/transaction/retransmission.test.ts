import { describe, expect, test } from 'vitest';
import { nextHop } from '../../../support/fake-transport.ts';
import { ackTo, request, requestWithoutVia, response } from '../../../support/sip-messages.ts';
import { LayerKit, tlsFlow, udpFlow } from './layer-kit.ts';

/** When something is sent during the next `duration`, in ms from now. */
function sendTimes(kit: LayerKit, duration: number, step = 100): readonly number[] {
  const times: number[] = [];
  for (let now = 0; now <= duration; now += step) {
    if (now > 0) kit.scheduler.advance(step);
    for (const _ of kit.transport.take()) times.push(now);
  }
  return times;
}

const doubling = [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500];
const cappedAtT2 = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];

describe('forty seconds without an answer, over UDP', () => {
  test('an INVITE goes out at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s (RFC 3261 §17.1.1.2)', () => {
    const kit = new LayerKit();
    kit.request(requestWithoutVia('INVITE'), nextHop());
    expect(sendTimes(kit, 40_000)).toEqual(doubling);
    expect(kit.takeHeard()).toEqual(['timeout', 'terminated']);
    kit.expectEmpty();
  });

  test('another request goes out at growing intervals, every 4 s at last: eleven times (§17.1.2.2)', () => {
    const kit = new LayerKit();
    kit.request(requestWithoutVia('BYE'), nextHop());
    expect(sendTimes(kit, 40_000)).toEqual(cappedAtT2);
    expect(kit.takeHeard()).toEqual(['timeout', 'terminated']);
    kit.expectEmpty();
  });

  test('after a 100, another request goes out every 4 s (§17.1.2.2)', () => {
    const kit = new LayerKit();
    const { request: bye } = kit.request(requestWithoutVia('BYE'), nextHop());
    kit.scheduler.advance(600);
    kit.transport.take();
    kit.receive(response(bye, 100));
    expect(sendTimes(kit, 40_000)).toEqual([900, 4_900, 8_900, 12_900, 16_900, 20_900, 24_900, 28_900]);
    kit.expectEmpty();
  });

  test('a failed INVITE is answered again and again until timer H (§17.2.1)', () => {
    const kit = new LayerKit();
    const invite = request('INVITE');
    kit.receive(invite, udpFlow);
    kit.server.respond(response(invite, 486));
    expect(sendTimes(kit, 40_000)).toEqual(cappedAtT2);
    expect(kit.takeHeard()).toEqual(['request INVITE', 'ended timeout']);
    kit.expectEmpty();
  });

  test('a failed INVITE is not answered again after its ACK (§17.2.1)', () => {
    const kit = new LayerKit();
    const invite = request('INVITE');
    const busy = response(invite, 486);
    kit.receive(invite, udpFlow);
    kit.server.respond(busy);
    expect(sendTimes(kit, 2_000)).toEqual([0, 500, 1_500]);
    kit.receive(ackTo(invite, busy), udpFlow);
    expect(sendTimes(kit, 40_000)).toEqual([]);
    kit.expectEmpty();
  });
});

describe('forty seconds without an answer, over TLS', () => {
  test('everything goes out once, and still ends after 32 s (§17.1, §17.2)', () => {
    const kit = new LayerKit();
    const invite = request('INVITE');
    kit.request(requestWithoutVia('INVITE'), { kind: 'flow', flow: tlsFlow });
    kit.request(requestWithoutVia('BYE'), { kind: 'flow', flow: tlsFlow });
    kit.receive(invite, tlsFlow);
    kit.server.respond(response(invite, 486));
    expect(sendTimes(kit, 31_900)).toEqual([0, 0, 0]);
    expect(kit.layer.active).toBe(3);
    expect(sendTimes(kit, 100)).toEqual([]);
    expect(kit.takeHeard()).toEqual([
      'request INVITE',
      'timeout',
      'terminated',
      'timeout',
      'terminated',
      'ended timeout',
    ]);
    kit.expectEmpty();
  });
});

describe('both sides of one call, over a network that loses messages', () => {
  test.each([1, 2, 3, 4, 5])('every third message lost, from message %i on: the call is set up and ended', (first) => {
    const caller = new LayerKit();
    const callee = new LayerKit();
    callee.answer = (transaction) => transaction.respond(response(transaction.request, 486));
    caller.request(requestWithoutVia('INVITE'), nextHop());
    let count = first;
    const carry = (from: LayerKit, to: LayerKit): void => {
      for (const { message } of from.transport.take()) {
        count += 1;
        if (count % 3 !== 0) to.receive(message, udpFlow);
      }
    };
    for (let step = 0; step < 700; step += 1) {
      carry(caller, callee);
      carry(callee, caller);
      for (const { scheduler } of [caller, callee]) scheduler.advance(100);
    }
    expect(caller.takeHeard()).toEqual(['response 486 INVITE', 'terminated']);
    expect(callee.takeHeard()).toEqual(['request INVITE', 'ended completed']);
    caller.expectEmpty();
    callee.expectEmpty();
  });
});
