// Confirmed dialogs: re-INVITE both ways with glare, BYE, flows that change, and what outlives a process (RFC 3261 §12, §14, §15).
import { describe, expect, test } from 'vitest';
import { maxGlareRetries } from '../../../../src/sip/user-agent/outgoing-reinvite.ts';
import type { IncomingReinvite, SessionSnapshot } from '../../../../src/sip/user-agent/session.ts';
import { fakeFlow } from '../../../support/fake-transport.ts';
import { request } from '../../../support/sip-messages.ts';
import { AgentKit, alice, answer, main, pbxFlow, phoneFlow, toPbx } from './agent-kit.ts';

describe('a re-INVITE of ours', () => {
  test('is told when it is answered, and acknowledged under its own number', () => {
    const kit = new AgentKit();
    const { session } = kit.connected();
    kit.reinvite(session);
    const reinvite = kit.transport.takeRequest();
    expect(reinvite.headers.get('CSeq')).toBe('2 INVITE');
    expect(reinvite.headers.get('Contact')).toBe('<sip:alice@to-pbx.sbc.test:5060;transport=udp>');
    kit.respond(reinvite, 200, { body: answer, fields: [['Contact', '<sip:moved@10.0.0.6:5070>']] });
    expect(kit.take()).toEqual(['re-answered 200']);
    const ack = kit.lastRequest();
    expect(ack.headers.get('CSeq')).toBe('2 ACK');
    expect(ack.uri).toBe('sip:moved@10.0.0.6:5070');
    session.bye();
    expect(kit.lastRequest().uri).toBe('sip:moved@10.0.0.6:5070');
  });

  test('that is refused leaves the session as it was', () => {
    const kit = new AgentKit();
    const { session } = kit.connected();
    kit.reinvite(session);
    kit.respond(kit.lastRequest(), 488);
    expect(kit.take()).toEqual(['re-failed 488 response']);
    kit.reinvite(session);
    kit.respond(kit.lastRequest(), 200);
    expect(kit.take()).toEqual(['re-answered 200']);
  });

  test.each([481, 408])('that is refused with %i ends the session (§12.2.1.2)', (status) => {
    const kit = new AgentKit();
    const { session } = kit.connected();
    kit.reinvite(session);
    kit.respond(kit.lastRequest(), status);
    expect(kit.take()).toEqual([`re-failed ${status} response`, 'ended timeout']);
    kit.expectEmpty();
  });

  test('that nobody answers ends the session', () => {
    const kit = new AgentKit();
    const { session } = kit.connected();
    kit.reinvite(session);
    kit.advance(32_000);
    expect(kit.take()).toEqual(['re-failed 408 timeout', 'ended timeout']);
    kit.expectEmpty();
  });

  test('that meets one of theirs (491) is sent again later, 2.1 to 4 s by who made the Call-ID (§14.1)', () => {
    const kit = new AgentKit();
    const { session } = kit.connected();
    kit.reinvite(session);
    let latest = kit.lastRequest();
    for (let retry = 0; retry < maxGlareRetries; retry += 1) {
      kit.respond(latest, 491);
      kit.sent();
      kit.advance(2_090);
      expect(kit.sent()).toEqual([]);
      kit.advance(1_910);
      latest = kit.lastRequest();
      expect(latest.headers.get('CSeq')).toBe(`${3 + retry} INVITE`);
      expect(kit.take()).toEqual([]);
    }
    kit.respond(latest, 491);
    expect(kit.take()).toEqual(['re-failed 491 response']);
  });

  test('backs off 2 s at most on the side that was called', () => {
    const kit = new AgentKit();
    const { session } = kit.answered();
    kit.reinvite(session);
    kit.respond(kit.lastRequest(), 491);
    kit.sent();
    kit.advance(2_000);
    expect(kit.sent()).toContain('INVITE');
  });

  test('while one of theirs is open is not sent: 491', () => {
    const kit = new AgentKit();
    const { session, inDialog } = kit.answered();
    kit.receive(inDialog('INVITE', 2));
    kit.take();
    kit.reinvite(session);
    expect(kit.take()).toEqual(['re-failed 491 response']);
    expect(kit.sent()).toEqual([]);
  });

  test('before the ACK of our 2xx is not sent: 491', () => {
    const kit = new AgentKit();
    const { call } = kit.incoming();
    const session = call.answer({ body: answer }, kit.handlers());
    kit.sent();
    kit.reinvite(session);
    expect(kit.take()).toEqual(['re-failed 491 response']);
    expect(kit.sent()).toEqual([]);
  });

  test('is forgotten when the session ends, and its late 2xx changes nothing', () => {
    const kit = new AgentKit();
    const { session } = kit.connected();
    kit.reinvite(session);
    const reinvite = kit.lastRequest();
    session.bye();
    kit.respond(reinvite, 200);
    expect(kit.take()).toEqual([]);
    kit.expectEmpty();
    expect(kit.take()).toEqual(['ended local']);
  });
});

describe('a re-INVITE of theirs', () => {
  function open(kit: AgentKit): {
    readonly reinvite: IncomingReinvite;
    readonly inDialog: ReturnType<AgentKit['answered']>['inDialog'];
    readonly bye: () => void;
  } {
    const taken: IncomingReinvite[] = [];
    const { call } = kit.incoming();
    const session = call.answer({ body: answer }, kit.handlers({ onReinvite: (one) => taken.push(one) }));
    const tag = /;tag=(\w+)/.exec(kit.transport.takeResponse().headers.get('To') ?? '')?.[1];
    const inDialog = (method: string, cseq: number): ReturnType<typeof request> =>
      request(method, {
        protocol: 'TLS',
        toTag: tag,
        cseq,
        branch: `z9hG4bK-${method}-${cseq}`,
        headers: method === 'INVITE' ? [['Contact', '<sip:alice@198.51.100.8:5060>']] : [],
      });
    kit.receive(inDialog('ACK', 1));
    kit.receive(inDialog('INVITE', 2));
    const [reinvite] = taken;
    if (reinvite === undefined) throw new Error('no re-INVITE');
    kit.take();
    kit.sent();
    return { reinvite, inDialog, bye: () => session.bye() };
  }

  test('is answered when its owner says so, again until the ACK comes, and moves the target', () => {
    const kit = new AgentKit();
    const { reinvite, inDialog, bye } = open(kit);
    reinvite.accept({ body: answer });
    kit.advance(500);
    expect(kit.sent()).toEqual(['200 INVITE', '200 INVITE']);
    kit.receive(inDialog('ACK', 2));
    expect(kit.take()).toEqual(['ack']);
    bye();
    expect(kit.lastRequest().uri).toBe('sip:alice@198.51.100.8:5060');
  });

  test('is refused when its owner says so, and answered once', () => {
    const kit = new AgentKit();
    const { reinvite } = open(kit);
    reinvite.reject(488);
    reinvite.accept({ body: answer });
    reinvite.reject(500);
    expect(kit.sent()).toEqual(['488 INVITE']);
  });

  test('while one is open is refused with 500 and Retry-After (§14.2)', () => {
    const kit = new AgentKit();
    const { inDialog } = open(kit);
    kit.receive(inDialog('INVITE', 3));
    const refusal = kit.transport.takeResponse();
    expect(refusal.status).toBe(500);
    expect(Number(refusal.headers.get('Retry-After'))).toBeLessThanOrEqual(10);
  });

  test('while one of ours is open is refused with 491 (§14.2)', () => {
    const kit = new AgentKit();
    const { session, inDialog } = kit.answered();
    kit.reinvite(session);
    kit.sent();
    kit.receive(inDialog('INVITE', 2));
    expect(kit.sent()).toEqual(['491 INVITE']);
  });

  test('is refused with 487 when the session ends from either side', () => {
    const ours = new AgentKit();
    open(ours).bye();
    expect(ours.sent()).toEqual(['487 INVITE', 'BYE']);
    const theirs = new AgentKit();
    const { inDialog } = open(theirs);
    theirs.receive(inDialog('BYE', 3));
    expect(theirs.sent()).toEqual(['200 BYE', '487 INVITE']);
    theirs.expectEmpty();
  });
});

describe('BYE', () => {
  test('of theirs is answered, and ends the session once', () => {
    const kit = new AgentKit();
    const { inDialog, session } = kit.answered();
    kit.receive(inDialog('BYE', 2));
    expect(kit.sent()).toEqual(['200 BYE']);
    expect(kit.take()).toEqual(['ended bye BYE']);
    session.bye();
    expect(kit.sent()).toEqual([]);
    kit.expectEmpty();
  });

  test('of ours is sent once, and ends the session with its answer, or without one', () => {
    for (const status of [200, 481, undefined]) {
      const kit = new AgentKit();
      const { session } = kit.connected();
      session.bye();
      session.bye();
      const bye = kit.transport.takeRequest();
      expect(kit.take()).toEqual([]);
      if (status === undefined) kit.advance(32_000);
      else kit.respond(bye, status);
      expect(kit.take()).toEqual(['ended local']);
      kit.expectEmpty();
    }
  });

  test('of both at once ends both', () => {
    const kit = new AgentKit();
    const { session, inDialog } = kit.answered();
    session.bye();
    kit.sent();
    kit.receive(inDialog('BYE', 2));
    expect(kit.sent()).toEqual(['200 BYE']);
    expect(kit.take()).toEqual(['ended bye BYE']);
    kit.expectEmpty();
  });
});

describe('who speaks in a dialog', () => {
  test('is known by its flow, for the gate', () => {
    const kit = new AgentKit();
    const { inDialog } = kit.answered();
    expect(kit.agent.knowsDialog(inDialog('BYE', 2), phoneFlow)).toEqual(alice);
    expect(kit.agent.knowsDialog(inDialog('BYE', 2), pbxFlow)).toBeUndefined();
    expect(kit.agent.knowsDialog(request('BYE', { toTag: 'other' }), phoneFlow)).toBeUndefined();
  });

  test('must be who it was: for anybody else there is no such dialog', () => {
    const kit = new AgentKit();
    const { inDialog } = kit.answered();
    kit.receive(inDialog('BYE', 2), pbxFlow, main);
    expect(kit.sent()).toEqual(['481 BYE']);
    expect(kit.take()).toEqual([]);
    expect(kit.logged).toContain('dialog-request-of-another');
    expect(kit.agent.dialogs).toBe(1);
  });

  test('may come back over another flow once it has proven itself, and is spoken to there', () => {
    const kit = new AgentKit();
    const { session, inDialog } = kit.answered();
    const moved = fakeFlow({ transport: 'tls', remote: { address: '198.51.100.1', port: 6_000 } });
    kit.receive(inDialog('INFO', 2), moved, alice);
    expect(kit.sent()).toEqual(['405 INFO']);
    expect(session.flow).toBe(moved);
    session.bye();
    expect(kit.transport.take()[0]?.to).toEqual({ kind: 'flow', flow: moved });
  });

  test('out of order is refused with 500 (§12.2.2)', () => {
    const kit = new AgentKit();
    const { inDialog } = kit.answered();
    kit.receive(inDialog('INFO', 1));
    expect(kit.sent()).toEqual(['500 INFO']);
  });
});

describe('where requests go', () => {
  test('is the flow of the answer while it lives, else the hop of the call', () => {
    const kit = new AgentKit();
    const { session } = kit.connected();
    kit.transport.close(pbxFlow);
    session.bye();
    expect(kit.transport.take()[0]?.to).toEqual(toPbx);
  });

  test('follows the Contact of a peer that stands inside', () => {
    const kit = new AgentKit();
    const { session } = kit.connected({ followTarget: true });
    session.bye();
    expect(kit.transport.take()[0]?.to).toMatchObject({ kind: 'next-hop', host: '10.0.0.5', port: 5060 });
  });
});

describe('a snapshot', () => {
  test('makes the same session again in another process: it goes on with the next number', () => {
    const kit = new AgentKit();
    const { session } = kit.connected();
    kit.reinvite(session);
    kit.respond(kit.lastRequest(), 200);
    const snapshot: SessionSnapshot = structuredClone(session.snapshot());
    const next = new AgentKit();
    const restored = next.agent.restore(snapshot, next.handlers());
    expect(restored.snapshot()).toEqual(snapshot);
    expect(restored.callId).toBe(session.callId);
    restored.bye();
    expect(next.lastRequest().headers.get('CSeq')).toBe('3 BYE');
    next.expectEmpty();
  });

  test('knows of UPDATE and of its timer there: it is refreshed in time', () => {
    const kit = new AgentKit();
    kit.invite();
    kit.respond(kit.lastRequest(), 200, {
      fields: [
        ['Contact', '<sip:callee@10.0.0.5:5060>'],
        ['Allow', 'INVITE, ACK, BYE, UPDATE'],
        ['Session-Expires', '200;refresher=uac'],
      ],
    });
    const snapshot = structuredClone(kit.sessions.at(-1)?.snapshot());
    if (snapshot === undefined) throw new Error('no session');
    expect(snapshot).toMatchObject({ allowsUpdate: true, timer: { interval: 200, weRefresh: true } });
    const next = new AgentKit();
    const restored = next.agent.restore(snapshot, next.handlers());
    expect(restored.snapshot()).toEqual(snapshot);
    next.scheduler.advance(100_000);
    const update = next.lastRequest();
    expect(update.method).toBe('UPDATE');
    expect(update.headers.get('Session-Expires')).toBe('200;refresher=uac');
    next.agent.shutdown();
    // Another one takes it up when 60 s of its interval are over already.
    const later = new AgentKit();
    later.scheduler.clock.jumpWall(60_000);
    later.agent.restore(snapshot, later.handlers());
    later.scheduler.advance(39_000);
    expect(later.sent()).toEqual([]);
    later.scheduler.advance(1_000);
    expect(later.sent()).toEqual(['UPDATE']);
    later.agent.shutdown();
  });

  test('of a phone is found by what the phone sends', () => {
    const kit = new AgentKit();
    const { session, inDialog } = kit.answered();
    const snapshot = structuredClone(session.snapshot());
    const next = new AgentKit();
    expect(next.agent.restore(snapshot, next.handlers()).id).toBe(session.id);
    next.receive(inDialog('BYE', 2));
    expect(next.sent()).toEqual(['200 BYE']);
    next.expectEmpty();
  });
});

test('a shutdown forgets everything without a word', () => {
  const kit = new AgentKit();
  const { session } = kit.connected();
  kit.reinvite(session);
  kit.incoming();
  kit.sent();
  kit.agent.shutdown();
  expect(kit.sent()).toEqual([]);
  expect(kit.take()).toContain('ended local');
  kit.expectEmpty();
});
