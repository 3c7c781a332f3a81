import { describe, expect, test } from 'vitest';
import { essentialsOf } from '../../../../src/sip/message/header-fields.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { fakeFlow, flowTo, nextHop } from '../../../support/fake-transport.ts';
import { ackTo, cancelOf, request, requestWithoutVia, response } from '../../../support/sip-messages.ts';
import { LayerKit, tlsFlow } from './layer-kit.ts';

const peer = flowTo(nextHop());
const ours = requestWithoutVia('INVITE');

describe('cancelling a request of ours (RFC 3261 §9.1)', () => {
  test('sends the CANCEL at once when a provisional came, with the same branch and the Reason', () => {
    const kit = new LayerKit();
    const transaction = kit.request(ours, nextHop());
    kit.receive(response(transaction.request, 180), peer);
    kit.transport.take();
    transaction.cancel(Headers.of(['Reason', 'SIP;cause=487']));
    const cancel = kit.transport.takeRequest();
    expect(cancel.method).toBe('CANCEL');
    expect(cancel.headers.get('Via')).toBe(transaction.request.headers.get('Via'));
    expect(cancel.headers.get('Reason')).toBe('SIP;cause=487');
  });

  test('waits for a provisional, and tells that first; the first cancel counts', () => {
    const kit = new LayerKit();
    const transaction = kit.request(ours, nextHop());
    transaction.cancel(Headers.of(['Reason', 'SIP;cause=200']));
    transaction.cancel();
    kit.scheduler.advance(600);
    expect(kit.transport.takeSummaries()).toEqual(['INVITE', 'INVITE']);
    kit.receive(response(transaction.request, 100), peer);
    kit.receive(response(transaction.request, 180), peer);
    const cancel = kit.transport.takeRequest();
    expect(cancel.method).toBe('CANCEL');
    expect(cancel.headers.get('Reason')).toBe('SIP;cause=200');
    expect(kit.takeHeard()).toEqual(['response 100 INVITE', 'response 180 INVITE']);
  });

  test('ends with the 487, whose ACK is sent', () => {
    const kit = new LayerKit();
    const transaction = kit.request(ours, nextHop());
    kit.receive(response(transaction.request, 180), peer);
    transaction.cancel();
    const cancel = kit.transport.take().at(-1)?.message;
    if (cancel?.kind !== 'request') throw new Error('expected the CANCEL');
    kit.receive(response(cancel, 200), peer);
    kit.receive(response(transaction.request, 487), peer);
    expect(kit.transport.takeSummaries()).toEqual(['ACK']);
    expect(kit.takeHeard()).toEqual(['response 180 INVITE', 'response 487 INVITE']);
    kit.scheduler.advance(32_000);
    expect(kit.takeHeard()).toEqual(['terminated']);
    kit.expectEmpty();
  });

  test('a 200 that crosses the CANCEL reaches the user', () => {
    const kit = new LayerKit();
    const transaction = kit.request(ours, nextHop());
    kit.receive(response(transaction.request, 180), peer);
    transaction.cancel();
    kit.receive(response(transaction.request, 200), peer);
    expect(kit.takeHeard()).toEqual(['response 180 INVITE', 'response 200 INVITE']);
    kit.scheduler.advance(64_000);
    expect(kit.takeHeard()).toEqual(['terminated']);
    kit.expectEmpty();
  });

  test('gives up 64·T1 after the CANCEL when no final answer came, whatever provisionals do', () => {
    const kit = new LayerKit();
    const transaction = kit.request(ours, nextHop());
    kit.receive(response(transaction.request, 180), peer);
    kit.scheduler.advance(20_000);
    transaction.cancel();
    kit.scheduler.advance(20_000);
    kit.receive(response(transaction.request, 183), peer);
    kit.takeHeard();
    kit.scheduler.advance(11_999);
    expect(kit.takeHeard()).toEqual([]);
    kit.scheduler.advance(1);
    expect(kit.takeHeard()).toEqual(['timeout', 'terminated']);
    kit.scheduler.advance(32_000);
    kit.expectEmpty();
  });

  test('a failed CANCEL changes nothing: the INVITE still has its 64·T1', () => {
    const kit = new LayerKit();
    const transaction = kit.request(ours, nextHop());
    kit.receive(response(transaction.request, 180), peer);
    kit.transport.failure = { code: 'send-failed', detail: 'test' };
    transaction.cancel();
    expect(kit.takeHeard()).toEqual(['response 180 INVITE']);
    kit.scheduler.advance(32_000);
    expect(kit.takeHeard()).toEqual(['timeout', 'terminated']);
    kit.expectEmpty();
  });

  test('has no effect after a final answer, nor on another method', () => {
    const kit = new LayerKit();
    const transaction = kit.request(ours, nextHop());
    kit.receive(response(transaction.request, 486), peer);
    transaction.cancel();
    const bye = kit.request(requestWithoutVia('BYE'), nextHop());
    kit.receive(response(bye.request, 100), peer);
    bye.cancel();
    expect(kit.transport.takeSummaries()).toEqual(['INVITE', 'ACK', 'BYE']);
  });

  test('is a CANCEL that is repeated until it is answered, over UDP (§17.1.2)', () => {
    const kit = new LayerKit();
    const transaction = kit.request(ours, nextHop());
    kit.receive(response(transaction.request, 180), peer);
    kit.transport.take();
    transaction.cancel();
    kit.scheduler.advance(1_500);
    const cancels = kit.transport.take();
    expect(cancels).toHaveLength(3);
    const [first] = cancels;
    if (first?.message.kind !== 'request') throw new Error('expected a CANCEL');
    kit.receive(response(first.message, 200), peer);
    kit.scheduler.advance(20_000);
    expect(kit.transport.take()).toEqual([]);
  });
});

describe('a CANCEL from a peer (RFC 3261 §9.2)', () => {
  const invite = request('INVITE');
  const cancel = cancelOf(invite);

  test('is answered 200, and the user is told once however often it comes', () => {
    for (const flow of [fakeFlow(), tlsFlow]) {
      const kit = new LayerKit();
      kit.receive(invite, flow);
      for (let copy = 0; copy < 3; copy += 1) kit.receive(cancel, flow);
      expect(kit.transport.takeSummaries()).toEqual(Array(3).fill('200 CANCEL'));
      expect(kit.takeHeard()).toEqual(['request INVITE', `cancel ${kit.server.id}`]);
      expect(kit.server.cancelled).toBe(true);
    }
  });

  test('leaves nothing behind when the INVITE got its 487 and its ACK', () => {
    const kit = new LayerKit();
    kit.receive(invite);
    kit.receive(cancel);
    const refused = response(invite, 487);
    kit.server.respond(refused);
    kit.receive(ackTo(invite, refused));
    kit.scheduler.advance(32_000);
    expect(kit.transport.takeSummaries()).toEqual(['200 CANCEL', '487 INVITE']);
    kit.expectEmpty();
  });

  test('is answered with the To-tag of our answers to the INVITE', () => {
    const kit = new LayerKit();
    kit.receive(invite);
    kit.server.respond(response(invite, 180, 'ringing'));
    kit.transport.take();
    kit.receive(cancel);
    expect(essentialsOf(kit.transport.takeResponse()).toTag).toBe('ringing');
  });

  test('has no effect after the final answer, but is answered 200', () => {
    for (const status of [200, 486]) {
      const kit = new LayerKit();
      kit.receive(invite);
      kit.server.respond(response(invite, status));
      kit.transport.take();
      kit.takeHeard();
      kit.receive(cancel);
      expect(kit.transport.takeSummaries()).toEqual(['200 CANCEL']);
      expect(kit.takeHeard()).toEqual([]);
      expect(kit.server.cancelled).toBe(false);
    }
  });

  test('that matches nothing is answered 481 without state, each time the same', () => {
    const kit = new LayerKit();
    kit.receive(cancel);
    kit.receive(cancel);
    const answers = kit.transport.take().map(({ message }) => message);
    expect(answers).toMatchObject([{ status: 481 }, { status: 481 }]);
    expect(answers[0]?.headers.get('To')).toBe(answers[1]?.headers.get('To'));
    expect(kit.takeHeard()).toEqual([]);
    expect(kit.layer.counts.unmatchedCancels).toBe(2);
    kit.expectEmpty();
  });

  test('from somebody else, or of another call, is answered 481 and cancels nothing', () => {
    const kit = new LayerKit();
    kit.receive(invite);
    kit.receive(cancel, fakeFlow({ remote: { address: '203.0.113.66', port: 5060 } }));
    kit.receive(cancel, fakeFlow({ listener: 'other' }));
    kit.receive(request('CANCEL', { callId: 'other' }));
    kit.receive(request('CANCEL', { fromTag: 'other' }));
    expect(kit.transport.takeSummaries()).toEqual(Array(4).fill('481 CANCEL'));
    expect(kit.takeHeard()).toEqual(['request INVITE']);
    expect(kit.server.cancelled).toBe(false);
  });

  test('of an INVITE of RFC 2543 finds it', () => {
    const kit = new LayerKit();
    const old = request('INVITE', { branch: null });
    kit.receive(old);
    kit.receive(cancelOf(old));
    expect(kit.takeHeard()).toEqual(['request INVITE', `cancel ${kit.server.id}`]);
  });
});
