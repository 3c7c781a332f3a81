// INVITEs of ours until their final answer (RFC 3261 §13.2): early dialogs, forks, CANCEL, challenges.
import { describe, expect, test } from 'vitest';
import { ok } from '../../../../src/core/result.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import type { SipRequest, SipResponse } from '../../../../src/sip/message/message.ts';
import { maxForks } from '../../../../src/sip/user-agent/late-answers.ts';
import type { ChallengeAnswerer, Session } from '../../../../src/sip/user-agent/session.ts';
import { response } from '../../../support/sip-messages.ts';
import { AgentKit, answer, pbxFlow, toPbx } from './agent-kit.ts';

const credentials: ChallengeAnswerer = {
  answer: () => ok({ header: 'Authorization', value: 'Digest username="edge"' }),
};
const refusing: ChallengeAnswerer = { answer: () => ({ ok: false, error: 'other-realm' }) };

describe('an INVITE of ours', () => {
  test('has what a request needs, a Call-ID and a tag that nobody can guess, and what it was given', () => {
    const kit = new AgentKit();
    kit.invite({ headers: Headers.of(['Subject', 'x']) });
    const invite = kit.transport.takeRequest();
    expect(invite.uri).toBe('sip:600@10.0.0.5');
    expect(invite.headers.get('Call-ID')).toMatch(/^[0-9a-f]{32}$/);
    expect(invite.headers.get('From')).toMatch(/^<sip:alice@pbx\.test>;tag=[0-9a-f]{16}$/);
    expect(invite.headers.get('To')).toBe('<sip:600@pbx.test>');
    expect(invite.headers.get('Contact')).toBe('<sip:alice@to-pbx.sbc.test:5060;transport=udp>');
    expect(invite.headers.get('Max-Forwards')).toBe('70');
    expect(invite.headers.get('Subject')).toBe('x');
    expect(invite.headers.get('CSeq')).toBe('1 INVITE');
    expect(Buffer.from(invite.body).toString()).toBe('offer');
  });

  test('keeps the Max-Forwards that it is given', () => {
    const kit = new AgentKit();
    kit.invite({ headers: Headers.of(['Max-Forwards', '3']) });
    expect(kit.transport.takeRequest().headers.all('Max-Forwards')).toEqual(['3']);
  });

  test('tells provisionals but 100, by early dialog', () => {
    const kit = new AgentKit();
    kit.invite();
    const invite = kit.transport.takeRequest();
    kit.respond(invite, 100);
    kit.respond(invite, 180, { tag: 'one' });
    kit.respond(invite, 183, { tag: 'two' });
    expect(kit.take()).toEqual(['provisional 180 one', 'provisional 183 two']);
  });

  test('ends once: with its first 2xx, a failure, silence, or no way there', () => {
    const answered = new AgentKit();
    answered.invite();
    const invite = answered.transport.takeRequest();
    answered.respond(invite, 200);
    expect(answered.take()).toEqual(['answered to-1']);

    const failed = new AgentKit();
    failed.invite();
    failed.respond(failed.transport.takeRequest(), 486);
    expect(failed.take()).toEqual(['failed 486 response']);
    failed.expectEmpty();

    const silent = new AgentKit();
    silent.invite();
    silent.advance(32_000);
    expect(silent.take()).toEqual(['failed 408 timeout']);
    silent.expectEmpty();

    const unreachable = new AgentKit();
    unreachable.transport.failure = { code: 'connect-failed', detail: 'refused' };
    unreachable.invite();
    expect(unreachable.take()).toEqual(['failed 503 transport']);
    unreachable.expectEmpty();
  });

  test('with a 2xx that makes no dialog fails with 502', () => {
    const kit = new AgentKit();
    kit.invite();
    const routes = Array.from({ length: 17 }, (_, n) => `<sip:p${n}.test;lr>`).join(', ');
    kit.respond(kit.transport.takeRequest(), 200, { fields: [['Record-Route', routes]] });
    expect(kit.take()).toEqual(['failed 502 response']);
    kit.expectEmpty();
  });
});

describe('a 2xx', () => {
  test('that comes again is acknowledged again, and told once', () => {
    const kit = new AgentKit();
    const { session, invite } = kit.connected();
    kit.respond(invite, 200);
    kit.respond(invite, 200);
    expect(kit.sent()).toEqual(['ACK', 'ACK']);
    expect(kit.take()).toEqual([]);
    session.bye();
    kit.expectEmpty();
  });

  test('that outlived its transaction is acknowledged all the same (RFC 6026 §8.3)', () => {
    const kit = new AgentKit();
    const { invite } = kit.connected();
    kit.advance(40_000);
    kit.sent();
    kit.respond(invite, 200);
    expect(kit.sent()).toEqual(['ACK']);
    kit.respond(invite, 200, { tag: 'stranger' });
    expect(kit.sent()).toEqual([]);
  });

  test('of another fork is acknowledged and hung up, up to a limit', () => {
    const kit = new AgentKit();
    const { invite } = kit.connected();
    kit.respond(invite, 200, { tag: 'two' });
    const [ack, bye] = kit.transport.take().map(({ message }) => message);
    expect([ack, bye].map((message) => message?.headers.get('To'))).toEqual([
      '<sip:600@pbx.test>;tag=two',
      '<sip:600@pbx.test>;tag=two',
    ]);
    expect(bye?.headers.get('CSeq')).toBe('2 BYE');
    for (let fork = 3; fork <= maxForks; fork += 1) kit.respond(invite, 200, { tag: `fork-${fork}` });
    expect(kit.sent()).toHaveLength(2 * (maxForks - 2));
    kit.respond(invite, 200, { tag: 'one-too-many' });
    expect(kit.sent()).toEqual([]);
    expect(kit.take()).toEqual([]);
  });
});

describe('when the call is over, a 2xx', () => {
  /** A call that we hung up, and the INVITE that made it. */
  function over(): { readonly kit: AgentKit; readonly invite: SipRequest } {
    const kit = new AgentKit();
    const { session, invite } = kit.connected({ destination: toPbx, followTarget: true });
    session.bye();
    kit.respond(kit.lastRequest(), 200);
    expect(kit.take()).toEqual(['ended local']);
    return { kit, invite };
  }

  const acksOf = (kit: AgentKit) =>
    kit.transport.take().map(({ message, to }) => ({
      line: message.kind === 'request' ? `${message.headers.get('CSeq')} ${message.uri}` : '',
      session: message.headers.get('Session-ID'),
      body: Buffer.from(message.body).toString(),
      host: to.kind === 'next-hop' ? to.host : undefined,
    }));

  test('that comes again gets the same ACK again, wherever the copy would lead it (§13.2.2.4)', () => {
    const kit = new AgentKit();
    const onAnswered = (session: Session): void => {
      kit.sessions.push(session);
      session.carry(Headers.of(['Session-ID', 'a half of it']));
      session.ack(answer);
    };
    kit.invite({ destination: toPbx, followTarget: true, body: undefined }, { onAnswered });
    const invite = kit.transport.takeRequest();
    kit.respond(invite, 200, { body: answer });
    const [first] = acksOf(kit);
    expect(first).toMatchObject({ line: '1 ACK sip:callee@10.0.0.5:5060', session: 'a half of it', host: '10.0.0.5' });
    expect(first?.body).not.toBe('');
    kit.sessions.at(-1)?.bye();
    kit.respond(kit.lastRequest(), 200);
    for (const contact of ['<sip:callee@10.0.0.5:5060>', '<sip:callee@192.0.2.66:9999>', 'none']) {
      kit.respond(invite, 200, { body: answer, fields: [['Contact', contact]] });
      expect(acksOf(kit)).toEqual([first]);
    }
    kit.expectEmpty();
  });

  test('of another fork without Contact is ended at the Request-URI, whatever its number is', () => {
    const { kit, invite } = over();
    const misnumbered = { ...invite, headers: invite.headers.with('CSeq', '77 INVITE') };
    kit.respond(misnumbered, 200, { tag: 'two', fields: [] });
    expect(acksOf(kit).map(({ line }) => line)).toEqual([`1 ACK ${invite.uri}`, `2 BYE ${invite.uri}`]);
  });

  test('of the fork that answered is acknowledged at its own target, where another one is over last', () => {
    const kit = new AgentKit();
    const { session, invite } = kit.connected({ destination: toPbx, followTarget: true });
    kit.respond(invite, 200, { tag: 'two', fields: [['Contact', '<sip:two@10.0.0.9:5060>']] });
    const byeOfTwo = kit.lastRequest();
    session.bye();
    kit.respond(kit.lastRequest(), 200);
    kit.respond(byeOfTwo, 200);
    kit.respond(invite, 200, { fields: [] });
    expect(acksOf(kit)).toMatchObject([{ line: '1 ACK sip:callee@10.0.0.5:5060', host: '10.0.0.5' }]);
  });

  test('without a tag, as older peers send it, is one like any other (§12.1.2)', () => {
    const untagged = (invite: SipRequest): SipResponse => {
      const plain = response(invite, 200);
      const to = plain.headers.get('To')?.replace(/;tag=.*/, '') ?? '';
      return { ...plain, headers: plain.headers.with('To', to).append('Contact', '<sip:callee@10.0.0.5>') };
    };
    const { kit, invite } = over();
    kit.agent.receiveResponse(untagged(invite), pbxFlow);
    expect(acksOf(kit).map(({ line }) => line)).toEqual(['1 ACK sip:callee@10.0.0.5', '2 BYE sip:callee@10.0.0.5']);
    kit.agent.receiveResponse(untagged(invite), pbxFlow);
    expect(acksOf(kit).map(({ line }) => line)).toEqual(['1 ACK sip:callee@10.0.0.5']);
  });

  test('of another fork is acknowledged and hung up, each copy acknowledged, up to a limit', () => {
    const { kit, invite } = over();
    kit.respond(invite, 200, { tag: 'two' });
    const [ack, bye] = kit.transport.take().map(({ message }) => message);
    expect([ack, bye].map((message) => message?.headers.get('To'))).toEqual([
      '<sip:600@pbx.test>;tag=two',
      '<sip:600@pbx.test>;tag=two',
    ]);
    expect([ack, bye].map((message) => message?.headers.get('CSeq'))).toEqual(['1 ACK', '2 BYE']);
    kit.respond(invite, 200, { tag: 'two' });
    expect(kit.sent()).toEqual(['ACK']);
    for (let fork = 3; fork <= maxForks; fork += 1) kit.respond(invite, 200, { tag: `fork-${fork}` });
    expect(kit.sent()).toHaveLength(2 * (maxForks - 2));
    kit.respond(invite, 200, { tag: 'one-too-many' });
    expect(kit.sent()).toEqual([]);
    expect(kit.take()).toEqual([]);
    kit.expectEmpty();
  });

  test('of a fork that was hung up while the call went on is acknowledged again', () => {
    const kit = new AgentKit();
    const { session, invite } = kit.connected();
    kit.respond(invite, 200, { tag: 'two' });
    const [, bye] = kit.transport.take().map(({ message }) => message);
    if (bye?.kind !== 'request') throw new Error('no BYE');
    kit.respond(bye, 200);
    session.bye();
    kit.respond(kit.lastRequest(), 200);
    kit.respond(invite, 200, { tag: 'two' });
    kit.respond(invite, 200);
    expect(kit.sent()).toEqual(['ACK', 'ACK']);
    kit.expectEmpty();
  });
});

describe('cancelling', () => {
  test('waits for the first provisional (§9.1), and ends with 487 whatever the answer is', () => {
    const kit = new AgentKit();
    const call = kit.invite();
    const invite = kit.transport.takeRequest();
    call.cancel(Headers.of(['Reason', 'SIP;cause=487']));
    expect(kit.sent()).toEqual([]);
    kit.respond(invite, 180);
    const cancel = kit.transport.takeRequest();
    expect(cancel.method).toBe('CANCEL');
    expect(cancel.headers.get('Reason')).toBe('SIP;cause=487');
    expect(kit.take()).toEqual([]);
    kit.respond(cancel, 200);
    kit.respond(invite, 486);
    expect(kit.take()).toEqual(['failed 487 cancelled']);
    kit.expectEmpty();
  });

  test('that crosses the 2xx has it acknowledged and hung up', () => {
    const kit = new AgentKit();
    const call = kit.invite();
    const invite = kit.transport.takeRequest();
    kit.respond(invite, 180);
    call.cancel();
    kit.sent();
    kit.respond(invite, 200);
    expect(kit.sent()).toEqual(['ACK', 'BYE']);
    expect(kit.take()).toEqual(['provisional 180 to-1', 'failed 487 cancelled']);
    kit.expectEmpty();
  });

  test('that nobody answers ends after 64 · T1', () => {
    const kit = new AgentKit();
    const call = kit.invite();
    kit.respond(kit.transport.takeRequest(), 180);
    call.cancel();
    kit.advance(32_000);
    expect(kit.take()).toEqual(['provisional 180 to-1', 'failed 487 cancelled']);
    kit.expectEmpty();
  });

  test('after the end does nothing', () => {
    const kit = new AgentKit();
    const call = kit.invite();
    kit.respond(kit.transport.takeRequest(), 486);
    kit.sent();
    call.cancel();
    expect(kit.sent()).toEqual([]);
    kit.expectEmpty();
  });
});

describe('a challenge', () => {
  const challenge: [string, string][] = [['WWW-Authenticate', 'Digest realm="pbx", nonce="n"']];

  test('is answered with our credentials: the same call, the next number, another branch (§22.2)', () => {
    const kit = new AgentKit();
    kit.invite({ credentials });
    const first = kit.transport.takeRequest();
    kit.respond(first, 401, { fields: challenge });
    const [ack, second] = kit.transport.take().map(({ message }) => message);
    expect(ack?.headers.get('CSeq')).toBe('1 ACK');
    expect(second?.headers.get('CSeq')).toBe('2 INVITE');
    expect(second?.headers.get('Authorization')).toBe('Digest username="edge"');
    for (const name of ['Call-ID', 'From', 'To']) expect(second?.headers.get(name)).toBe(first.headers.get(name));
    expect(second?.headers.get('Via')).not.toBe(first.headers.get('Via'));
    expect(kit.take()).toEqual([]);
    if (second?.kind !== 'request') throw new Error('no second INVITE');
    kit.respond(second, 200, { body: answer });
    expect(kit.take()).toEqual(['answered to-1']);
    expect(kit.lastRequest().headers.get('CSeq')).toBe('2 ACK');
    kit.sessions[0]?.bye();
    expect(kit.lastRequest().headers.get('CSeq')).toBe('3 BYE');
  });

  test('is answered twice at most', () => {
    const kit = new AgentKit();
    kit.invite({ credentials });
    for (let round = 0; round < 3; round += 1) kit.respond(kit.lastRequest(), 407, { fields: challenge });
    expect(kit.take()).toEqual(['failed 407 response']);
    kit.expectEmpty();
  });

  test('is a failure where there are no credentials, or they are for somebody else', () => {
    for (const given of [undefined, refusing]) {
      const kit = new AgentKit();
      kit.invite({ credentials: given });
      kit.respond(kit.transport.takeRequest(), 401, { fields: challenge });
      expect(kit.take()).toEqual(['failed 401 response']);
      kit.expectEmpty();
    }
  });
});
