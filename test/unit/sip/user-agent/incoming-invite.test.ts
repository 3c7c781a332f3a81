// INVITEs that come in, until their final answer (RFC 3261 §13.3) and its ACK (§13.3.1.4).
import { describe, expect, test } from 'vitest';
import { cancelOf, request } from '../../../support/sip-messages.ts';
import { AgentKit, alice, answer, main, pbxFlow, phoneFlow } from './agent-kit.ts';

describe('an INVITE', () => {
  test('is told under one To-tag, from the first provisional to the answer', () => {
    const kit = new AgentKit();
    const { call } = kit.incoming();
    call.progress(180);
    call.progress(183, { body: answer });
    call.answer({ body: answer }, kit.handlers());
    const tags = kit.transport.take().map(({ message }) => /;tag=(\w+)/.exec(message.headers.get('To') ?? '')?.[1]);
    expect(tags).toHaveLength(3);
    expect(new Set(tags).size).toBe(1);
    expect(tags[0]).toMatch(/^[0-9a-f]{16}$/);
  });

  test('is answered with our Contact, under the user that was asked for', () => {
    const kit = new AgentKit();
    const { call } = kit.incoming();
    call.answer({ body: answer }, kit.handlers());
    const ok = kit.transport.takeResponse();
    expect(ok.headers.get('Contact')).toBe('<sip:bob@phones.sbc.test:5060;transport=tls>');
    expect(ok.headers.get('Content-Type')).toBe('application/sdp');
    expect(ok.headers.get('Allow')).toContain('BYE');
  });

  test('shows no Contact when it is refused, and its reason phrase when one is given', () => {
    const kit = new AgentKit();
    kit.incoming().call.reject(486, { reason: 'Not now' });
    const busy = kit.transport.takeResponse();
    expect(busy.reason).toBe('Not now');
    expect(busy.headers.has('Contact')).toBe(false);
    kit.expectEmpty();
  });

  test('after its final answer takes no other one', () => {
    const kit = new AgentKit();
    const { call } = kit.incoming();
    call.reject(404);
    call.progress(180);
    call.reject(486);
    expect(kit.sent()).toEqual(['404 INVITE']);
    kit.expectEmpty();
  });

  test('without a Contact is refused with 400', () => {
    const kit = new AgentKit();
    kit.receive(request('INVITE'));
    expect(kit.sent()).toEqual(['400 INVITE']);
    expect(kit.invites).toEqual([]);
    kit.expectEmpty();
  });

  test('copies the routes that it was recorded on (§12.1.1)', () => {
    const kit = new AgentKit();
    const { call } = kit.incoming({ headers: [['Record-Route', '<sip:proxy.test;lr>']] });
    call.progress(180);
    expect(kit.transport.takeResponse().headers.get('Record-Route')).toBe('<sip:proxy.test;lr>');
    call.reject(480);
    expect(kit.transport.takeResponse().headers.has('Record-Route')).toBe(false);
    kit.expectEmpty();
  });
});

describe('giving up', () => {
  test('by CANCEL is answered with 487, and the owner is told once', () => {
    const kit = new AgentKit();
    const { call, invite } = kit.incoming();
    call.progress(180);
    kit.sent();
    kit.receive(cancelOf(invite));
    expect(kit.sent()).toEqual(['200 CANCEL', '487 INVITE']);
    expect(kit.take()).toEqual(['cancelled']);
    call.reject(480);
    expect(kit.sent()).toEqual([]);
    kit.expectEmpty();
  });

  test('by a BYE in the early dialog is the same (§15)', () => {
    const kit = new AgentKit();
    const { call } = kit.incoming();
    call.progress(180);
    const tag = /;tag=(\w+)/.exec(kit.transport.takeResponse().headers.get('To') ?? '')?.[1];
    kit.receive(request('BYE', { protocol: 'TLS', toTag: tag, cseq: 2, branch: 'z9hG4bK-bye' }));
    expect(kit.sent()).toEqual(['200 BYE', '487 INVITE']);
    expect(kit.take()).toEqual(['cancelled']);
    kit.expectEmpty();
  });

  test('by losing the connection ends it without a word', () => {
    const kit = new AgentKit();
    const { call } = kit.incoming();
    kit.agent.flowClosed(pbxFlow);
    expect(kit.take()).toEqual([]);
    kit.agent.flowClosed(phoneFlow);
    kit.agent.flowClosed(phoneFlow);
    expect(kit.take()).toEqual(['flow-lost']);
    call.reject(480);
    expect(kit.sent()).toEqual([]);
    kit.expectEmpty();
  });

  test('by not taking a provisional any more is a lost connection', () => {
    const kit = new AgentKit();
    const { call } = kit.incoming();
    kit.transport.failure = { code: 'flow-gone', detail: 'reset' };
    call.progress(180);
    kit.scheduler.advance(0);
    expect(kit.take()).toEqual(['flow-lost']);
    kit.expectEmpty();
  });

  test('other requests in the early dialog are refused, a second INVITE with 500 (§14.2)', () => {
    const kit = new AgentKit();
    const { call } = kit.incoming();
    call.progress(180);
    const tag = /;tag=(\w+)/.exec(kit.transport.takeResponse().headers.get('To') ?? '')?.[1];
    for (const [cseq, method] of ['INFO', 'REFER', 'INVITE'].entries()) {
      const headers = method === 'INVITE' ? [['Contact', '<sip:a@198.51.100.1>'] as const] : [];
      const branch = `z9hG4bK-${method}`;
      kit.receive(request(method, { protocol: 'TLS', toTag: tag, cseq: 2 + cseq, branch, headers }));
      expect(kit.sent()).toEqual([`${method === 'INVITE' ? 500 : 405} ${method}`]);
    }
    call.reject(480);
    kit.expectEmpty();
  });
});

describe('the 2xx', () => {
  test('is sent again on every transport until the ACK comes', () => {
    const kit = new AgentKit();
    const { call } = kit.incoming();
    call.answer({ body: answer }, kit.handlers());
    const tag = /;tag=(\w+)/.exec(kit.transport.takeResponse().headers.get('To') ?? '')?.[1];
    kit.advance(3_500);
    expect(kit.sent()).toEqual(['200 INVITE', '200 INVITE', '200 INVITE']);
    kit.receive(request('ACK', { protocol: 'TLS', toTag: tag, branch: 'z9hG4bK-ack', body: Buffer.from('late') }));
    expect(kit.take()).toEqual(['ack late']);
    kit.advance(40_000);
    expect(kit.sent()).toEqual([]);
  });

  test('that is never acknowledged ends the session with a BYE after 64 · T1', () => {
    const kit = new AgentKit();
    const { call } = kit.incoming();
    call.answer({ body: answer }, kit.handlers());
    kit.advance(32_000);
    expect(kit.take()).toEqual(['ended no-ack']);
    const bye = kit.lastRequest();
    expect(bye.method).toBe('BYE');
    kit.expectEmpty();
    expect(kit.take()).toEqual([]);
  });

  test('is not followed by a BYE of ours before its ACK (§15), and then at once', () => {
    const kit = new AgentKit();
    const { call } = kit.incoming();
    const session = call.answer({ body: answer }, kit.handlers());
    const tag = /;tag=(\w+)/.exec(kit.transport.takeResponse().headers.get('To') ?? '')?.[1];
    session.bye();
    expect(kit.sent()).toEqual([]);
    kit.receive(request('ACK', { protocol: 'TLS', toTag: tag, branch: 'z9hG4bK-ack' }));
    expect(kit.sent()).toEqual(['BYE']);
    expect(kit.take()).toEqual([]);
    kit.expectEmpty();
    expect(kit.take()).toEqual(['ended local']);
  });

  test('takes no ACK of somebody else', () => {
    const kit = new AgentKit();
    const { call } = kit.incoming();
    call.answer({ body: answer }, kit.handlers());
    const tag = /;tag=(\w+)/.exec(kit.transport.takeResponse().headers.get('To') ?? '')?.[1];
    kit.receive(request('ACK', { toTag: tag, branch: 'z9hG4bK-x' }), pbxFlow, main);
    kit.receive(request('ACK', { toTag: tag, branch: 'z9hG4bK-y', cseq: 9 }), phoneFlow, alice);
    expect(kit.take()).toEqual([]);
    kit.receive(request('ACK', { toTag: tag, branch: 'z9hG4bK-z' }), phoneFlow, { kind: 'anonymous' });
    expect(kit.take()).toEqual(['ack']);
  });
});

describe('requests that no owner sees', () => {
  test.each([
    ['BREW', {}, '405 BREW'],
    ['INVITE', { headers: [['Require', 'x-strange']] as const }, '420 INVITE'],
    ['BYE', {}, '481 BYE'],
    ['BYE', { toTag: 'unknown' }, '481 BYE'],
    ['INFO', { toTag: 'unknown' }, '481 INFO'],
  ])('%s %o is answered with %s', (method, options, expected) => {
    const kit = new AgentKit();
    kit.receive(request(method, options));
    expect(kit.sent()).toEqual([expected]);
    expect(kit.take()).toEqual([]);
    kit.expectEmpty();
  });

  test('of a known method outside a dialog are the owner’s', () => {
    const kit = new AgentKit();
    kit.receive(request('OPTIONS'));
    expect(kit.take()).toEqual(['request OPTIONS']);
    kit.expectEmpty();
  });
});
