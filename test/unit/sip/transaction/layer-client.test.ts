import { describe, expect, test } from 'vitest';
import { essentialsOf } from '../../../../src/sip/message/header-fields.ts';
import { flowTo, nextHop, summaryOf } from '../../../support/fake-transport.ts';
import { request, requestWithoutVia, response } from '../../../support/sip-messages.ts';
import { LayerKit, tlsFlow } from './layer-kit.ts';

const invite = requestWithoutVia('INVITE');
const bye = requestWithoutVia('BYE', { toTag: 'to-1' });
const peer = flowTo(nextHop());

describe('a request of ours', () => {
  test('goes out under our Via with a fresh branch and rport (RFC 3261 §8.1.1.7, RFC 3581 §3)', () => {
    const kit = new LayerKit();
    const first = kit.request(invite, nextHop());
    const second = kit.request(invite, { kind: 'flow', flow: tlsFlow });
    const vias = kit.transport.take().map(({ message }) => message.headers.get('Via'));
    expect(vias[0]).toMatch(/^SIP\/2\.0\/UDP to-pbx\.sbc\.test:5060;branch=z9hG4bK[0-9a-f]{32};rport$/);
    expect(vias[1]).toMatch(/^SIP\/2\.0\/TLS phones\.sbc\.test:5060;branch=z9hG4bK[0-9a-f]{32};rport$/);
    expect(essentialsOf(first.request).via.branch).not.toBe(essentialsOf(second.request).via.branch);
    expect(first.request.headers.get('Via')).toBe(vias[0]);
  });

  test('a response finds it by branch and method (§17.1.3), and the user hears its flow', () => {
    const kit = new LayerKit();
    const flows: string[] = [];
    const { request: sent } = kit.request(bye, nextHop(), { onResponse: (_, flow) => flows.push(flow.id) });
    kit.receive(response(sent, 200), peer);
    expect(flows).toEqual([peer.id]);
    kit.scheduler.advance(5_000);
    expect(kit.takeHeard()).toEqual(['terminated']);
    kit.expectEmpty();
  });

  test('its copies, its ACK and its CANCEL go to where it went (§9.1, §17.1.1.3)', () => {
    const kit = new LayerKit();
    const transaction = kit.request(invite, nextHop());
    kit.scheduler.advance(500);
    kit.receive(response(transaction.request, 180), peer);
    transaction.cancel();
    kit.receive(response(transaction.request, 487), peer);
    const sent = kit.transport.take();
    expect(sent.map(({ message }) => summaryOf(message))).toEqual(['INVITE', 'INVITE', 'CANCEL', 'ACK']);
    expect(sent[0]?.to).toEqual(nextHop());
    for (const { to } of sent.slice(1)) expect(to).toEqual({ kind: 'flow', flow: peer });
  });

  test('a copy goes to the destination again when the flow is gone', () => {
    const kit = new LayerKit();
    kit.request(invite, nextHop());
    kit.transport.close(peer);
    kit.transport.take();
    kit.scheduler.advance(500);
    expect(kit.transport.take().map(({ to }) => to)).toEqual([nextHop()]);
  });
});

describe('the outcome', () => {
  test('is a timeout after 64·T1 without an answer, once (§17.1.1.2, §17.1.2.2)', () => {
    for (const each of [invite, bye]) {
      const kit = new LayerKit();
      kit.request(each, nextHop());
      kit.scheduler.advance(31_999);
      expect(kit.takeHeard()).toEqual([]);
      kit.scheduler.advance(1);
      expect(kit.takeHeard()).toEqual(['timeout', 'terminated']);
      kit.expectEmpty();
    }
  });

  test('is the transport error when sending fails, once, whatever else fails later (§17.1.4)', () => {
    const kit = new LayerKit();
    kit.transport.holdsResults = true;
    kit.transport.failure = { code: 'connect-failed', detail: 'refused' };
    kit.request(invite, nextHop());
    kit.scheduler.advance(500);
    kit.transport.release();
    kit.transport.release();
    expect(kit.takeHeard()).toEqual(['transport-error connect-failed', 'terminated']);
    kit.expectEmpty();
  });

  test('never comes before request has returned, also when the transport fails at once', () => {
    const kit = new LayerKit();
    kit.transport.failure = { code: 'flow-gone', detail: 'test' };
    kit.request(bye, nextHop());
    expect(kit.takeHeard()).toEqual([]);
    kit.scheduler.advance(0);
    expect(kit.takeHeard()).toEqual(['transport-error flow-gone', 'terminated']);
    kit.expectEmpty();
  });

  test('stays the failure when its ACK cannot be sent', () => {
    const kit = new LayerKit();
    const { request: sent } = kit.request(invite, nextHop());
    kit.transport.failure = { code: 'send-failed', detail: 'test' };
    kit.receive(response(sent, 486), peer);
    expect(kit.takeHeard()).toEqual(['response 486 INVITE', 'terminated']);
    kit.expectEmpty();
  });
});

describe('answers to an INVITE of ours', () => {
  test('each provisional and each 2xx reaches the user, for 64·T1 after the first 2xx (RFC 6026 §8.4)', () => {
    const kit = new LayerKit();
    const { request: sent } = kit.request(invite, nextHop());
    for (const [status, tag] of [
      [100, 'a'],
      [183, 'a'],
      [180, 'b'],
      [200, 'a'],
      [200, 'a'],
      [200, 'b'],
      [180, 'c'],
      [486, 'c'],
    ] as const) {
      kit.receive(response(sent, status, tag), peer);
    }
    expect(kit.takeHeard()).toEqual(
      ['100', '183', '180', '200', '200', '200'].map((status) => `response ${status} INVITE`),
    );
    expect(kit.transport.takeSummaries()).toEqual(['INVITE']);
    kit.scheduler.advance(31_999);
    kit.receive(response(sent, 200, 'a'), peer);
    kit.scheduler.advance(1);
    expect(kit.takeHeard()).toEqual(['response 200 INVITE', 'terminated']);
    kit.expectEmpty();
  });

  test('a repeated failure is acknowledged again and not told again (§17.1.1.2)', () => {
    const kit = new LayerKit();
    const { request: sent } = kit.request(invite, nextHop());
    kit.receive(response(sent, 486), peer);
    kit.receive(response(sent, 486), peer);
    expect(kit.transport.takeSummaries()).toEqual(['INVITE', 'ACK', 'ACK']);
    expect(kit.takeHeard()).toEqual(['response 486 INVITE']);
    kit.scheduler.advance(32_000);
    kit.expectEmpty();
  });

  test('a 2xx that overtakes nothing any more is a stray for the user; others are dropped and counted (RFC 6026 §8.3)', () => {
    const kit = new LayerKit();
    const { request: sent } = kit.request(invite, nextHop());
    kit.receive(response(sent, 486), peer);
    kit.receive(response(sent, 200, 'late'), peer);
    kit.scheduler.advance(32_000);
    kit.takeHeard();
    kit.receive(response(sent, 200, 'later'), peer);
    kit.receive(response(sent, 486), peer);
    kit.receive(response(sent, 180), peer);
    expect(kit.takeHeard()).toEqual(['stray 200 INVITE']);
    expect(kit.layer.counts.strayResponses).toBe(2);
  });

  test('the stray 2xx of a transaction in Completed goes to the user as one', () => {
    const kit = new LayerKit();
    const { request: sent } = kit.request(invite, nextHop());
    kit.receive(response(sent, 603), peer);
    kit.receive(response(sent, 200, 'late'), peer);
    expect(kit.takeHeard()).toEqual(['response 603 INVITE', 'stray 200 INVITE']);
  });
});

test('a response with two Vias, or to another method of the branch, answers nothing of ours (§8.1.3.3, §17.1.3)', () => {
  const kit = new LayerKit();
  const { request: sent } = kit.request(bye, nextHop());
  const answer = response(sent, 200);
  kit.receive({ ...answer, headers: answer.headers.append('Via', 'SIP/2.0/UDP other.test;branch=z9hG4bK-9') }, peer);
  kit.receive({ ...answer, headers: answer.headers.with('CSeq', '1 INFO') }, peer);
  kit.receive({ ...answer, headers: answer.headers.without('CSeq') }, peer);
  expect(kit.takeHeard()).toEqual([]);
  expect(kit.layer.counts).toMatchObject({ misroutedResponses: 1, strayResponses: 1, malformed: 1 });
});

test('the ACK to a 2xx goes out once, under a branch of its own and without a transaction (§13.2.2.4)', () => {
  const kit = new LayerKit();
  const ack = requestWithoutVia('ACK', { toTag: 'to-1' });
  kit.layer.sendAck(ack, nextHop());
  kit.layer.sendAck(ack, nextHop());
  const branches = kit.transport.take().map(({ message }) => essentialsOf(message).via.branch);
  expect(branches).toHaveLength(2);
  expect(new Set(branches).size).toBe(2);
  kit.expectEmpty();
});

describe('order', () => {
  test('what the user sends from inside a call leaves in the order it was asked for', () => {
    const kit = new LayerKit();
    kit.answer = (transaction) => {
      transaction.respond(response(transaction.request, 180));
      kit.request(invite, nextHop());
      transaction.respond(response(transaction.request, 200));
      kit.layer.sendAck(requestWithoutVia('ACK'), nextHop());
    };
    kit.receive(request('INVITE'));
    expect(kit.transport.takeSummaries()).toEqual(['180 INVITE', 'INVITE', '200 INVITE', 'ACK']);
  });

  test('an answer that comes while the request is being sent waits for its turn', () => {
    const kit = new LayerKit();
    answerWhileSending(kit);
    kit.request(bye, nextHop());
    expect(kit.takeHeard()).toEqual([]);
    kit.scheduler.advance(0);
    expect(kit.takeHeard()).toEqual(['response 200 BYE', 'terminated']);
  });
});

/** From here on each request is answered 200 before `send` has returned. */
function answerWhileSending({ transport, layer }: LayerKit): void {
  const send = transport.send.bind(transport);
  transport.send = (message, to, onResult) => {
    if (message.kind === 'request') layer.receive(response(message, 200), peer);
    send(message, to, onResult);
  };
}

test('what has its final answer lingers for copies of it, with one timer, and nothing else does (§17.1, RFC 6026 §8.4)', () => {
  for (const [each, status] of [
    [invite, 200],
    [invite, 486],
    [bye, 200],
  ] as const) {
    const kit = new LayerKit();
    const { request: sent } = kit.request(each, nextHop());
    kit.receive(response(sent, 183), peer);
    expect(kit.layer).toMatchObject({ active: 1, lingering: 0 });
    kit.receive(response(sent, status), peer);
    expect(kit.layer).toMatchObject({ active: 1, lingering: 1 });
    expect(kit.scheduler.pending).toBe(1);
    kit.scheduler.advance(32_000);
    expect(kit.layer).toMatchObject({ active: 0, lingering: 0 });
  }
});
