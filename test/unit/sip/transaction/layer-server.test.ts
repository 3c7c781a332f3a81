import { describe, expect, test } from 'vitest';
import { essentialsOf } from '../../../../src/sip/message/header-fields.ts';
import { defaultTransactionLimits } from '../../../../src/sip/transaction/transaction-limits.ts';
import { fakeFlow, nextHop } from '../../../support/fake-transport.ts';
import { ackTo, type RequestOptions, request, requestWithoutVia, response } from '../../../support/sip-messages.ts';
import { LayerKit, tlsFlow, udpFlow } from './layer-kit.ts';

const invite = request('INVITE');
const options = request('OPTIONS', { branch: 'z9hG4bK-o', callId: 'call-o' });
const busy = response(invite, 486);
const stranger = fakeFlow({ remote: { address: '203.0.113.66', port: 5060 } });

describe('a request', () => {
  test('reaches the user once; its copies get the last answer (RFC 3261 §17.2.1, §17.2.2)', () => {
    const kit = new LayerKit();
    for (const each of [invite, options]) {
      kit.receive(each);
      kit.receive(each);
      expect(kit.takeHeard()).toEqual([`request ${each.method}`]);
      expect(kit.transport.take()).toEqual([]);
      kit.server.respond(response(each, 486));
      kit.receive(each);
      kit.receive(each);
      expect(kit.transport.takeSummaries()).toEqual(Array(3).fill(`486 ${each.method}`));
      expect(kit.takeHeard()).toEqual([]);
    }
  });

  test('is answered over the flow that it came over', () => {
    const kit = new LayerKit();
    kit.receive(options, tlsFlow);
    kit.server.respond(response(options, 200));
    expect(kit.transport.take().map(({ to }) => to)).toEqual([{ kind: 'flow', flow: tlsFlow }]);
    expect(kit.server.flow).toBe(tlsFlow);
  });

  test('may be answered from inside onRequest', () => {
    const kit = new LayerKit();
    kit.answer = (transaction) => transaction.respond(response(options, 200));
    kit.receive(options, tlsFlow);
    expect(kit.transport.takeSummaries()).toEqual(['200 OPTIONS']);
    expect(kit.takeHeard()).toEqual(['request OPTIONS', 'ended completed']);
    kit.expectEmpty();
  });

  test('whose user throws is answered 500, and the error is counted', () => {
    const kit = new LayerKit();
    kit.answer = () => {
      throw new Error('broken');
    };
    kit.receive(invite);
    const answer = kit.transport.takeResponse();
    expect(answer.status).toBe(500);
    expect(essentialsOf(answer).toTag).toMatch(/^[0-9a-f]{16}$/);
    expect(kit.layer.counts.userErrors).toBe(1);
  });

  test('without usable Via, From, To, Call-ID or CSeq is dropped and counted', () => {
    const kit = new LayerKit();
    const missing = ['Via', 'From', 'To', 'Call-ID', 'CSeq'];
    for (const name of missing) {
      const broken = { ...invite, headers: invite.headers.without(name) };
      kit.receive(broken);
      expect(kit.layer.matches(broken)).toBe(false);
    }
    kit.receive({ ...invite, headers: invite.headers.with('CSeq', '1 BYE') });
    expect(kit.layer.counts.malformed).toBe(missing.length + 1);
    expect(kit.takeHeard()).toEqual([]);
    kit.expectEmpty();
  });
});

describe('100 Trying', () => {
  test('answers an INVITE that waits for 200 ms, once (RFC 3261 §17.2.1)', () => {
    const kit = new LayerKit();
    kit.receive(invite, tlsFlow);
    kit.scheduler.advance(199);
    expect(kit.transport.take()).toEqual([]);
    kit.scheduler.advance(1);
    expect(kit.transport.takeSummaries()).toEqual(['100 INVITE']);
    kit.scheduler.advance(60_000);
    expect(kit.transport.take()).toEqual([]);
  });

  test('is not sent when the user answered before', () => {
    const kit = new LayerKit();
    kit.receive(invite);
    kit.scheduler.advance(199);
    kit.server.respond(response(invite, 180));
    kit.scheduler.advance(60_000);
    expect(kit.transport.takeSummaries()).toEqual(['180 INVITE']);
  });

  test('answers another request after 3.5 s; nobody answers it after 64·T1 (RFC 4320 §4)', () => {
    const kit = new LayerKit();
    kit.receive(options);
    kit.scheduler.advance(3_499);
    expect(kit.transport.take()).toEqual([]);
    kit.scheduler.advance(1);
    expect(kit.transport.takeSummaries()).toEqual(['100 OPTIONS']);
    kit.scheduler.advance(28_499);
    expect(kit.layer.active).toBe(1);
    kit.scheduler.advance(1);
    expect(kit.takeHeard()).toEqual(['request OPTIONS', 'ended timeout']);
    kit.server.respond(response(options, 200));
    expect(kit.transport.take()).toEqual([]);
    kit.expectEmpty();
  });
});

describe('an ACK', () => {
  test('to a failure ends its retransmission; copies are absorbed (§17.2.1)', () => {
    const kit = new LayerKit();
    kit.receive(invite);
    kit.server.respond(busy);
    kit.receive(ackTo(invite, busy));
    kit.receive(ackTo(invite, busy));
    kit.transport.take();
    kit.takeHeard();
    kit.scheduler.advance(5_000);
    expect(kit.transport.take()).toEqual([]);
    expect(kit.takeHeard()).toEqual(['ended completed']);
    kit.expectEmpty();
  });

  test('to a 2xx goes to the user each time, under its own branch or the one of the INVITE (RFC 6026 §6)', () => {
    const kit = new LayerKit();
    kit.receive(invite);
    kit.server.respond(response(invite, 200));
    kit.takeHeard();
    kit.receive(request('ACK', { branch: 'z9hG4bK-ack', toTag: 'to-1' }));
    kit.receive(request('ACK', { toTag: 'to-1' }), tlsFlow);
    kit.receive(request('ACK', { toTag: 'to-1' }));
    expect(kit.takeHeard()).toEqual([`ack over ${udpFlow.id}`, `ack over ${tlsFlow.id}`, `ack over ${udpFlow.id}`]);
  });

  test('is never answered, whatever it matches', () => {
    const kit = new LayerKit({ ...defaultTransactionLimits, serverTransactions: 0 });
    kit.receive(request('ACK'));
    kit.receive(request('ACK', { toTag: 'to-1', branch: 'old' }));
    expect(kit.transport.take()).toEqual([]);
    kit.expectEmpty();
  });

  test('that never comes ends a failed INVITE by timer H (§17.2.1)', () => {
    const kit = new LayerKit();
    kit.receive(invite, tlsFlow);
    kit.server.respond(busy);
    kit.scheduler.advance(31_999);
    expect(kit.layer.active).toBe(1);
    kit.scheduler.advance(1);
    expect(kit.takeHeard()).toEqual(['request INVITE', 'ended timeout']);
    kit.expectEmpty();
  });
});

describe('an INVITE that was answered 2xx (RFC 6026 §7.1)', () => {
  test('absorbs its copies and lets the user repeat the 2xx for 64·T1', () => {
    const kit = new LayerKit();
    kit.receive(invite);
    kit.server.respond(response(invite, 200));
    kit.receive(invite);
    kit.server.respond(response(invite, 200));
    kit.server.respond(response(invite, 500));
    expect(kit.transport.takeSummaries()).toEqual(['200 INVITE', '200 INVITE']);
    kit.scheduler.advance(31_999);
    kit.receive(invite);
    expect(kit.takeHeard()).toEqual(['request INVITE']);
    kit.scheduler.advance(1);
    expect(kit.takeHeard()).toEqual(['ended completed']);
    kit.expectEmpty();
  });
});

describe('a response that cannot be sent', () => {
  test('is told once, and the transaction stays for copies of the request (RFC 6026 §8.8)', () => {
    const kit = new LayerKit();
    kit.receive(invite);
    kit.transport.failure = { code: 'send-failed', detail: 'test' };
    kit.server.respond(response(invite, 180));
    kit.server.respond(busy);
    kit.receive(invite);
    expect(kit.takeHeard()).toEqual(['request INVITE', 'transport-error send-failed']);
    expect(kit.layer.active).toBe(1);
    kit.scheduler.advance(32_000);
    kit.expectEmpty();
  });
});

describe('requests of RFC 2543 (RFC 3261 §17.2.3)', () => {
  const old: RequestOptions = { branch: null };
  const oldInvite = request('INVITE', old);

  test('copies and the ACK with the tag of the answer find their INVITE', () => {
    const kit = new LayerKit();
    kit.receive(oldInvite);
    kit.receive(oldInvite);
    expect(kit.takeHeard()).toEqual(['request INVITE']);
    kit.server.respond(response(oldInvite, 486, 'busy'));
    kit.receive(request('ACK', { ...old, toTag: 'busy' }));
    kit.scheduler.advance(5_000);
    expect(kit.takeHeard()).toEqual(['ended completed']);
    kit.expectEmpty();
  });

  test('an ACK with another tag is not the one of this answer', () => {
    const kit = new LayerKit();
    kit.receive(oldInvite);
    kit.server.respond(response(oldInvite, 486, 'busy'));
    kit.takeHeard();
    kit.receive(request('ACK', { ...old, toTag: 'other' }));
    expect(kit.takeHeard()).toEqual([`ack over ${udpFlow.id}`]);
    kit.scheduler.advance(32_000);
    expect(kit.takeHeard()).toEqual(['ended timeout']);
  });
});

describe('a copy that comes from somebody else', () => {
  test('is dropped and counted: an INVITE, an ACK, another request', () => {
    const kit = new LayerKit();
    kit.receive(invite);
    kit.server.respond(busy);
    kit.transport.take();
    kit.takeHeard();
    kit.receive(invite, stranger);
    kit.receive(ackTo(invite, busy), stranger);
    expect(kit.transport.take()).toEqual([]);
    expect(kit.takeHeard()).toEqual([]);
    expect(kit.layer.counts.foreignRequests).toBe(2);
    kit.scheduler.advance(500);
    expect(kit.transport.takeSummaries()).toEqual(['486 INVITE']);
  });
});

describe('a request that came over several paths (RFC 3261 §8.2.2.2)', () => {
  test('is answered 482 after the first, with the same To-tag each time', () => {
    const kit = new LayerKit();
    const copy = request('INVITE', { branch: 'z9hG4bK-2' });
    kit.receive(invite);
    kit.receive(copy, stranger);
    kit.receive(copy, stranger);
    const answers = kit.transport.take().map(({ message }) => message);
    expect(answers).toMatchObject([{ status: 482 }, { status: 482 }]);
    expect(answers[0]?.headers.get('To')).toBe(answers[1]?.headers.get('To'));
    expect(answers[0]?.headers.get('To')).toMatch(/;tag=[0-9a-f]{8}$/);
    expect(kit.takeHeard()).toEqual(['request INVITE']);
    expect(kit.layer.counts.mergedRequests).toBe(2);
  });

  test('is a new one when the first is over, when it is inside a dialog, and when its CSeq differs', () => {
    const kit = new LayerKit();
    kit.receive(invite);
    kit.receive(request('INVITE', { branch: 'z9hG4bK-2', cseq: 2 }));
    kit.receive(request('BYE', { branch: 'z9hG4bK-3', toTag: 'to-1' }));
    kit.receive(request('BYE', { branch: 'z9hG4bK-4', toTag: 'to-1' }));
    expect(kit.takeHeard()).toEqual(['request INVITE', 'request INVITE', 'request BYE', 'request BYE']);
    kit.servers[0]?.abandon();
    kit.receive(request('INVITE', { branch: 'z9hG4bK-5' }));
    expect(kit.takeHeard()).toEqual(['ended abandoned', 'request INVITE']);
  });
});

describe('limits', () => {
  test('one request too many is answered 503 with Retry-After, without state; copies of others are not', () => {
    const kit = new LayerKit({ ...defaultTransactionLimits, serverTransactions: 1, retryAfterSeconds: 10 });
    kit.receive(invite);
    kit.receive(options);
    const refusal = kit.transport.takeResponse();
    expect(refusal.status).toBe(503);
    expect(Number(refusal.headers.get('Retry-After'))).toBeGreaterThanOrEqual(10);
    expect(Number(refusal.headers.get('Retry-After'))).toBeLessThanOrEqual(20);
    expect(kit.layer.active).toBe(1);
    expect(kit.layer.counts.overLimit).toBe(1);
    kit.server.respond(busy);
    kit.receive(invite);
    expect(kit.transport.takeSummaries()).toEqual(['486 INVITE', '486 INVITE']);
  });

  test('a request of ours too many fails as overloaded and is not sent', () => {
    const kit = new LayerKit({ ...defaultTransactionLimits, clientTransactions: 1 });
    kit.request(requestWithoutVia('OPTIONS'), nextHop());
    kit.request(requestWithoutVia('OPTIONS'), nextHop());
    expect(kit.transport.takeSummaries()).toEqual(['OPTIONS']);
    expect(kit.takeHeard()).toEqual([]);
    kit.scheduler.advance(0);
    expect(kit.takeHeard()).toEqual(['transport-error overloaded', 'terminated']);
    expect(kit.layer.active).toBe(1);
  });
});

describe('matches', () => {
  test('knows copies, the ACK and the CANCEL of a live request, and nothing else', () => {
    const kit = new LayerKit();
    const cancel = request('CANCEL');
    const ack = request('ACK');
    for (const each of [invite, cancel, ack]) expect(kit.layer.matches(each)).toBe(false);
    kit.receive(invite);
    for (const each of [invite, cancel, ack]) expect(kit.layer.matches(each)).toBe(true);
    for (const each of [request('BYE'), request('INVITE', { branch: 'z9hG4bK-2' }), options]) {
      expect(kit.layer.matches(each)).toBe(false);
    }
    kit.server.abandon();
    for (const each of [invite, cancel, ack]) expect(kit.layer.matches(each)).toBe(false);
  });
});

describe('abandoning', () => {
  test('ends one transaction of either side without sending, and tells its end once', () => {
    const kit = new LayerKit();
    kit.receive(invite);
    const client = kit.request(requestWithoutVia('INVITE'), nextHop());
    kit.transport.take();
    for (const transaction of [kit.server, client]) {
      transaction.abandon();
      transaction.abandon();
    }
    kit.server.respond(response(invite, 200));
    client.cancel();
    kit.scheduler.advance(60_000);
    expect(kit.transport.take()).toEqual([]);
    expect(kit.takeHeard()).toEqual(['request INVITE', 'ended abandoned', 'terminated']);
    kit.expectEmpty();
  });

  test('shutdown ends all of them, and afterwards nothing is taken or sent', () => {
    const kit = new LayerKit();
    kit.receive(invite);
    kit.receive(options);
    kit.request(requestWithoutVia('INVITE'), nextHop());
    kit.transport.take();
    kit.layer.shutdown();
    expect(kit.takeHeard().slice(2)).toEqual(['ended abandoned', 'ended abandoned', 'terminated']);
    kit.expectEmpty();
    kit.receive(request('OPTIONS', { branch: 'z9hG4bK-new', callId: 'new' }));
    kit.request(requestWithoutVia('INVITE'), nextHop());
    kit.layer.sendAck(requestWithoutVia('ACK'), nextHop());
    kit.scheduler.advance(60_000);
    expect(kit.transport.take()).toEqual([]);
    expect(kit.takeHeard()).toEqual(['transport-error overloaded', 'terminated']);
    kit.expectEmpty();
  });
});

describe('what lingers', () => {
  test('is an answered request over UDP, for its copies (RFC 3261 §17.2.2, timer J)', () => {
    const kit = new LayerKit();
    kit.receive(options);
    expect(kit.layer).toMatchObject({ active: 1, lingering: 0 });
    kit.server.respond(response(options, 200));
    expect(kit.layer).toMatchObject({ active: 1, lingering: 1 });
    expect(kit.scheduler.pending).toBe(1);
    kit.scheduler.advance(32_000);
    kit.expectEmpty();
    expect(kit.layer.lingering).toBe(0);
  });

  test('is an INVITE with its 2xx, or with a refusal that was acknowledged; not one whose ACK is missing (§17.2.1, RFC 6026 §8.7)', () => {
    const accepted = new LayerKit();
    accepted.receive(invite);
    accepted.server.respond(response(invite, 180));
    expect(accepted.layer).toMatchObject({ active: 1, lingering: 0 });
    accepted.server.respond(response(invite, 200));
    expect(accepted.layer).toMatchObject({ active: 1, lingering: 1 });
    expect(accepted.scheduler.pending).toBe(1);

    const refused = new LayerKit();
    refused.receive(invite);
    refused.server.respond(busy);
    expect(refused.layer).toMatchObject({ active: 1, lingering: 0 });
    refused.receive(ackTo(invite, busy));
    expect(refused.layer).toMatchObject({ active: 1, lingering: 1 });
    expect(refused.scheduler.pending).toBe(1);
  });
});
