// Requests of ours outside a dialog (RFC 3261 §8.1), and dialogs that follow a phone to its new flow (RFC 5626 §5.3).
import { describe, expect, it } from 'vitest';
import { ok } from '../../../../src/core/result.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import type { ChallengeAnswerer, OutsideRequestOptions } from '../../../../src/sip/user-agent/session.ts';
import { fakeFlow } from '../../../support/fake-transport.ts';
import { AgentKit, alice, main, phoneFlow, toPbx } from './agent-kit.ts';

const answerer: ChallengeAnswerer = { answer: () => ok({ header: 'Authorization', value: 'Digest ours' }) };

function register(kit: AgentKit, over: Partial<OutsideRequestOptions> = {}): void {
  kit.agent.request(
    {
      method: 'REGISTER',
      destination: toPbx,
      requestUri: 'sip:pbx.test',
      from: '<sip:alice@pbx.test>',
      to: '<sip:alice@pbx.test>',
      headers: Headers.of(['Contact', '<sip:a@sbc.test>']),
      ...over,
    },
    {
      onFinal: ({ status }) => kit.heard.push(`final ${status}`),
      onFailed: ({ cause }) => kit.heard.push(`failed ${cause}`),
    },
  );
}

describe('a request outside a dialog', () => {
  it('goes out with what it was given, and its final answer is heard once', () => {
    const kit = new AgentKit();
    register(kit, { callId: 'mine', sequence: 7 });
    const sent = kit.lastRequest();
    expect(sent.headers.get('Call-ID')).toBe('mine');
    expect(sent.headers.get('CSeq')).toBe('7 REGISTER');
    expect(sent.headers.get('Contact')).toBe('<sip:a@sbc.test>');
    kit.respond(sent, 200);
    kit.respond(sent, 200);
    expect(kit.take()).toEqual(['final 200']);
    kit.expectEmpty();
  });

  it('answers a challenge once with the next sequence number (RFC 3261 §22.2)', () => {
    const kit = new AgentKit();
    register(kit, { sequence: 7, credentials: answerer });
    const first = kit.lastRequest();
    kit.respond(first, 401);
    const second = kit.lastRequest();
    expect(second.headers.get('CSeq')).toBe('8 REGISTER');
    expect(second.headers.get('Authorization')).toBe('Digest ours');
    expect(second.headers.get('From')).toBe(first.headers.get('From'));
    kit.respond(second, 200);
    expect(kit.take()).toEqual(['final 200']);
    kit.expectEmpty();
  });

  it('takes a challenge for the final answer where it has no credentials', () => {
    const kit = new AgentKit();
    register(kit);
    kit.respond(kit.lastRequest(), 401);
    expect(kit.take()).toEqual(['final 401']);
    kit.expectEmpty();
  });

  it('tells of silence after 64 · T1 (timer F)', () => {
    const kit = new AgentKit();
    register(kit);
    kit.advance(32_000);
    expect(kit.take()).toEqual(['failed timeout']);
    kit.expectEmpty();
  });
});

describe('dialogs of a phone that came back', () => {
  const newFlow = fakeFlow({ transport: 'tls', id: 'new', remote: { address: '198.51.100.1', port: 6000 } });

  it('go on over the new flow', () => {
    const kit = new AgentKit();
    const { session } = kit.answered();
    kit.agent.moveDialogs(phoneFlow.id, newFlow, alice);
    session.bye();
    expect(kit.transport.take().map(({ to }) => to)).toEqual([{ kind: 'flow', flow: newFlow }]);
  });

  it.each([
    ['of another identity on that flow', phoneFlow.id, main],
    ['on another flow', 'elsewhere', alice],
  ] as const)('stay when they are %s', (_what, flowId, identity) => {
    const kit = new AgentKit();
    const { session } = kit.answered();
    kit.agent.moveDialogs(flowId, newFlow, identity);
    session.bye();
    expect(kit.transport.take().map(({ to }) => to)).toEqual([{ kind: 'flow', flow: phoneFlow }]);
  });
});
