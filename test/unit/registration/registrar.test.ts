import { describe, expect, test } from 'vitest';
import type { BindingRecord } from '../../../src/registration/location.ts';
import { maxWaitingPerUser, storeDeadline } from '../../../src/registration/registrar.ts';
import { fakeFlow } from '../../support/fake-transport.ts';
import { bob, contactsOf, phoneFlow, RegistrarKit, registerRequest, settled } from './registrar-kit.ts';

const desk = 'sip:alice@198.51.100.1:40001;transport=tls';
const mobile = 'sip:alice@203.0.113.9:50000;transport=tls';

function contact(uri: string, parameters = ''): string {
  return `<${uri}>${parameters}`;
}

describe('a REGISTER (RFC 3261 §10.3)', () => {
  test('binds its contact to the flow that it came by, and is answered with what is bound, for how long, and the time', async () => {
    const kit = new RegistrarKit();
    const answer = await kit.register(registerRequest({ contacts: [contact(desk)], expires: '600' }));
    expect(answer.status).toBe(200);
    expect(contactsOf(answer)).toEqual([`<${desk}>;expires=600`]);
    expect(answer.headers.get('Date')).toBe('Mon, 05 Jan 2026 10:00:00 GMT');
    expect(answer.headers.get('To')).toMatch(/;tag=/);
    expect(await kit.reachable()).toEqual([`${desk} over flow-1`]);
    expect(kit.registrar.flows).toBe(1);
  });

  test('without a contact only asks, and changes nothing (§10.2.3)', async () => {
    const kit = new RegistrarKit();
    expect(contactsOf(await kit.register(registerRequest({})))).toEqual([]);
    await kit.register(registerRequest({ contacts: [contact(desk)], cseq: 2 }));
    const { saves } = kit.store;
    kit.scheduler.advance(1_000);
    const answer = await kit.register(registerRequest({ cseq: 1 }), phoneFlow(2));
    expect(contactsOf(answer)).toEqual([`<${desk}>;expires=3599`]);
    expect(kit.store.saves).toBe(saves);
    expect(await kit.reachable()).toEqual([`${desk} over flow-1`]);
  });

  test('that renews what is there is no news; one that comes, moves or goes is', async () => {
    const kit = new RegistrarKit();
    const told = async (cseq: number, fields: { expires?: string; contacts?: string[] }, flow = 1) => {
      await kit.register(registerRequest({ cseq, contacts: [contact(desk)], ...fields }), phoneFlow(flow));
      return kit.news.splice(0).length;
    };
    expect(await told(1, {})).toBe(1);
    expect(await told(2, {})).toBe(0);
    expect(await told(3, { contacts: [contact(mobile)] })).toBe(1);
    expect(await told(4, { contacts: [contact(mobile)] }, 2)).toBe(1);
    expect(await told(5, { expires: '0' })).toBe(1);
    expect(await told(6, { contacts: [contact(mobile)] }, 2)).toBe(0);
  });

  test('of several phones keeps them all, the preferred first', async () => {
    const kit = new RegistrarKit();
    await kit.register(registerRequest({ callId: 'a', contacts: [contact(desk, ';q=0.3')] }), phoneFlow(1));
    const answer = await kit.register(
      registerRequest({ callId: 'b', contacts: [contact(mobile, ';q=0.75')] }),
      phoneFlow(2),
    );
    expect(contactsOf(answer)).toEqual([`<${desk}>;q=0.3;expires=3600`, `<${mobile}>;q=0.75;expires=3600`]);
    expect(await kit.reachable()).toEqual([`${mobile} over flow-2`, `${desk} over flow-1`]);
    expect(kit.registrar.flows).toBe(2);
  });

  test('is granted another lifetime than those who ask for the same, where lifetimes are spread (§10.2.1.1)', async () => {
    const kit = new RegistrarKit({ expiresSpread: 0.1 });
    const granted: number[] = [];
    for (let phone = 0; phone < 10; phone += 1) {
      const fields = { callId: `phone-${phone}`, contacts: [contact(`sip:desk${phone}@192.0.2.${phone}`)] };
      const answer = await kit.register(registerRequest(fields), phoneFlow(phone));
      granted.push(
        ...contactsOf(answer)
          .slice(-1)
          .map((one) => Number(/expires=(\d+)$/.exec(one)?.[1])),
      );
    }
    expect(new Set(granted).size).toBeGreaterThan(7);
    expect(Math.min(...granted)).toBeGreaterThan(3_240);
    expect(Math.max(...granted)).toBeLessThanOrEqual(3_600);
  });

  test('that is refreshed lives on; one that is not ends, and is cleared away', async () => {
    const kit = new RegistrarKit();
    await kit.register(registerRequest({ contacts: [contact(desk)], expires: '60' }));
    kit.scheduler.advance(59_000);
    await kit.register(registerRequest({ contacts: [contact(desk)], expires: '60', cseq: 2 }));
    kit.scheduler.advance(59_999);
    expect(await kit.reachable()).toHaveLength(1);
    kit.scheduler.advance(1);
    expect(await kit.reachable()).toEqual([]);
    expect(await kit.registrar.list()).toEqual([]);
    await kit.register(registerRequest({ to: 'sip:bob@pbx.test' }), phoneFlow(9), bob);
    await settled();
    expect(await kit.stored()).toEqual([]);
    expect(kit.registrar.flows).toBe(0);
  });

  test('does not end when somebody moves the time of day (§10.3 counts seconds, not hours of a wall clock)', async () => {
    const kit = new RegistrarKit();
    await kit.register(registerRequest({ contacts: [contact(desk)], expires: '600' }));
    for (const jump of [3_600_000, -86_400_000]) {
      kit.scheduler.clock.jumpWall(jump);
      kit.scheduler.advance(100_000);
      expect(await kit.reachable()).toHaveLength(1);
      expect(await kit.registrar.list()).toHaveLength(1);
    }
    const answer = await kit.register(registerRequest({ contacts: [contact(mobile)], callId: 'b' }), phoneFlow(2));
    expect(contactsOf(answer)[0]).toBe(`<${desk}>;expires=400`);
    kit.scheduler.advance(400_000);
    expect(await kit.reachable()).toEqual([`${mobile} over flow-2`]);
  });

  test('for too short a time is 423, and says for how long is long enough', async () => {
    const kit = new RegistrarKit({ minExpires: 120 });
    const answer = await kit.register(registerRequest({ contacts: [contact(desk)], expires: '119' }));
    expect(answer.status).toBe(423);
    expect(answer.headers.get('Min-Expires')).toBe('120');
  });

  test('lives until its last second', async () => {
    const kit = new RegistrarKit();
    await kit.register(registerRequest({ contacts: [contact(desk)], expires: '60' }));
    kit.scheduler.advance(59_700);
    expect(await kit.registrar.list()).toHaveLength(1);
    const answer = await kit.register(registerRequest({ cseq: 2 }));
    expect(contactsOf(answer)).toEqual([`<${desk}>;expires=1`]);
  });

  test('may take itself back, alone or with all others', async () => {
    const kit = new RegistrarKit();
    await kit.register(registerRequest({ contacts: [contact(desk), contact(mobile)] }));
    const one = await kit.register(registerRequest({ contacts: [contact(desk, ';expires=0')], cseq: 2 }));
    expect(contactsOf(one)).toEqual([`<${mobile}>;expires=3600`]);
    const all = await kit.register(registerRequest({ contacts: ['*'], expires: '0', cseq: 3 }));
    expect(all.status).toBe(200);
    expect(contactsOf(all)).toEqual([]);
    expect(await kit.stored()).toEqual([]);
    expect(kit.registrar.flows).toBe(0);
  });
});

describe('who may register what (RFC 3261 §10.3 steps 3 to 5)', () => {
  test.each([
    ['the user', 'sip:alice@pbx.test', 200],
    ['by sips', 'sips:alice@pbx.test', 200],
    ['with an escaped name', 'sip:%61lice@pbx.test', 200],
    ['by another name of the domain', 'sip:alice@sbc.example.com:5061;transport=tls', 200],
    ['another user', 'sip:bob@pbx.test', 403],
    ['the same name in another case', 'sip:Alice@pbx.test', 403],
    ['nobody', 'sip:pbx.test', 403],
    ['another domain', 'sip:alice@elsewhere.test', 404],
    ['a telephone number', 'tel:+441632960123', 404],
  ])('%s: %s is answered %i', async (_what, to, status) => {
    const kit = new RegistrarKit();
    const answer = await kit.register(registerRequest({ to, contacts: [contact(desk)] }));
    expect(answer.status).toBe(status);
    expect(await kit.stored()).toHaveLength(status === 200 ? 1 : 0);
  });

  test.each([
    [{ kind: 'trunk', name: 'carrier' } as const],
    [{ kind: 'pbx', name: 'main' } as const],
    [{ kind: 'anonymous' } as const],
  ])('%o is no user', async (identity) => {
    const kit = new RegistrarKit();
    expect((await kit.register(registerRequest({ contacts: [contact(desk)] }), phoneFlow(1), identity)).status).toBe(
      403,
    );
  });
});

describe('a flow (RFC 5626 §6)', () => {
  test('that closes takes its registrations with it, and leaves those of other flows', async () => {
    const kit = new RegistrarKit();
    await kit.register(registerRequest({ callId: 'a', contacts: [contact(desk)] }), phoneFlow(1));
    await kit.register(registerRequest({ callId: 'b', contacts: [contact(mobile)] }), phoneFlow(2));
    kit.close(phoneFlow(1));
    expect(await kit.reachable()).toEqual([`${mobile} over flow-2`]);
    await settled();
    expect(await kit.stored()).toEqual([mobile]);
    expect(kit.registrar.flows).toBe(1);
  });

  test('that carries two users takes both', async () => {
    const kit = new RegistrarKit();
    await kit.register(registerRequest({ contacts: [contact(desk)] }));
    await kit.register(registerRequest({ to: 'sip:bob@pbx.test', contacts: ['<sip:bob@h>'] }), phoneFlow(1), bob);
    expect(kit.registrar.flows).toBe(1);
    kit.close(phoneFlow(1));
    await settled();
    expect([...(await kit.stored()), ...(await kit.stored('bob@pbx.test'))]).toEqual([]);
  });

  test('of the same phone is replaced by its next one, and closing the old one harms nothing', async () => {
    const kit = new RegistrarKit();
    const phone = (uri: string) => contact(uri, ';reg-id=1;+sip.instance="<urn:uuid:0001>"');
    await kit.register(registerRequest({ callId: 'a', contacts: [phone(desk)] }), phoneFlow(1));
    await kit.register(registerRequest({ callId: 'b', contacts: [phone(mobile)] }), phoneFlow(2));
    expect(await kit.reachable()).toEqual([`${mobile} over flow-2`]);
    kit.close(phoneFlow(1));
    await settled();
    expect(await kit.reachable()).toEqual([`${mobile} over flow-2`]);
    expect(await kit.stored()).toEqual([mobile]);
    expect(kit.registrar.flows).toBe(1);
  });

  test('that is dead reaches nobody, even before it is told to be closed', async () => {
    const kit = new RegistrarKit();
    await kit.register(registerRequest({ contacts: [contact(desk)] }));
    kit.kill(phoneFlow(1));
    expect(await kit.reachable()).toEqual([]);
    expect((await kit.registrar.list()).map(({ alive }) => alive)).toEqual([false]);
  });

  test('of UDP that changes its port leaves nothing behind', async () => {
    const kit = new RegistrarKit();
    for (let port = 1; port <= 50; port += 1) {
      const flow = fakeFlow({ remote: { address: '198.51.100.1', port } });
      await kit.register(registerRequest({ contacts: [contact(desk)], cseq: port }), flow);
    }
    expect(kit.registrar.flows).toBe(1);
  });

  test('that closes because the process ends keeps its registrations for the next one', async () => {
    const kit = new RegistrarKit();
    await kit.register(registerRequest({ contacts: [contact(desk)] }));
    kit.registrar.drain();
    kit.close(phoneFlow(1));
    await settled();
    expect(await kit.stored()).toEqual([desk]);
  });
});

describe('bindings of an earlier run', () => {
  test('reach nobody, are listed while the time of day says so, and are replaced', async () => {
    const first = new RegistrarKit();
    await first.register(registerRequest({ contacts: [contact(desk)], expires: '600' }));
    const kit = new RegistrarKit();
    await kit.store.save('alice@pbx.test', await first.store.find('alice@pbx.test'));
    expect(await kit.reachable()).toEqual([]);
    expect((await kit.registrar.list()).map(({ alive }) => alive)).toEqual([false]);
    // Another phone's connection may have the same name now.
    await kit.register(registerRequest({ to: 'sip:bob@pbx.test', contacts: ['<sip:bob@h>'] }), phoneFlow(1), bob);
    expect(await kit.reachable()).toEqual([]);
    await kit.register(registerRequest({ contacts: [contact(desk)], cseq: 2 }), phoneFlow(2));
    expect(await kit.reachable()).toEqual([`${desk} over flow-2`]);
    expect(await kit.stored()).toEqual([desk]);
  });
});

describe('outbound (RFC 5626 §6)', () => {
  const managed = contact(desk, ';reg-id=1;+sip.instance="<urn:uuid:0001>"');

  test('is confirmed to a phone that manages its flows and connects straight to us', async () => {
    const kit = new RegistrarKit();
    const answer = await kit.register(
      registerRequest({ contacts: [managed], more: [['Supported', 'path, outbound']] }),
    );
    expect(answer.headers.get('Require')).toBe('outbound');
    expect(answer.headers.get('Flow-Timer')).toBe('120');
    expect(contactsOf(answer)).toEqual([`<${desk}>;+sip.instance="<urn:uuid:0001>";reg-id=1;expires=3600`]);
  });

  test.each([
    ['that does not support it', managed, []],
    ['that names no flow', contact(desk, ';+sip.instance="<urn:uuid:0001>"'), [['Supported', 'outbound']]],
    ['that names no phone', contact(desk, ';reg-id=1'), [['Supported', 'outbound']]],
    [
      'behind a proxy that keeps the flow, since we keep no Path',
      managed,
      [
        ['Supported', 'outbound'],
        ['Via', 'SIP/2.0/TLS far.test;branch=z9hG4bK-0'],
        ['Path', '<sip:core.test;lr>, <sip:t0k3n@edge.test;lr;ob>'],
      ],
    ],
    ['behind a proxy that does not ask for it', managed, [['Via', 'SIP/2.0/TLS far.test;branch=z9hG4bK-0']]],
  ] as const)('is not to a phone %s', async (_what, uri, more) => {
    const kit = new RegistrarKit();
    const answer = await kit.register(registerRequest({ contacts: [uri], more }));
    expect(answer.status).toBe(200);
    expect(answer.headers.has('Require')).toBe(false);
  });

  test.each([
    ['no Path', []],
    ['a Path of others', [['Path', '<sip:t0k3n@core.test;lr;ob>, <sip:edge.test;lr>']]],
    ['a Path that cannot be read', [['Path', '<sip:edge.test;ob']]],
  ] as const)('is refused with 439 behind a proxy that keeps no flows: %s', async (_what, more) => {
    const kit = new RegistrarKit();
    const via = ['Via', 'SIP/2.0/TLS far.test;branch=z9hG4bK-0'] as const;
    const fields = [['Supported', 'outbound'] as const, via, ...more];
    const answer = await kit.register(registerRequest({ contacts: [managed], more: fields }));
    expect(answer.status).toBe(439);
    expect(await kit.stored()).toEqual([]);
    const gone = registerRequest({ cseq: 2, contacts: [`${managed};expires=0`], more: fields });
    expect((await kit.register(gone)).status).toBe(200);
  });

  test('calls a phone over the latest of its flows, over the other one when that is gone, and never over both (§7)', async () => {
    const kit = new RegistrarKit();
    const flowOf = (regId: number) => contact(desk, `;reg-id=${regId};+sip.instance="<urn:uuid:0001>"`);
    const more = [['Supported', 'outbound']] as const;
    await kit.register(registerRequest({ callId: 'a', contacts: [flowOf(1)], more }), phoneFlow(1));
    await kit.register(registerRequest({ callId: 'c', contacts: [contact(mobile)] }), phoneFlow(3));
    kit.scheduler.advance(1_000);
    await kit.register(registerRequest({ callId: 'b', contacts: [flowOf(2)], more }), phoneFlow(2));
    expect(await kit.reachable()).toEqual([`${mobile} over flow-3`, `${desk} over flow-2`]);
    kit.close(phoneFlow(2));
    await settled();
    expect(await kit.reachable()).toEqual([`${desk} over flow-1`, `${mobile} over flow-3`]);
  });

  test('shows an instance without a flow as it is', async () => {
    const kit = new RegistrarKit();
    const answer = await kit.register(
      registerRequest({ contacts: [contact(desk, ';+sip.instance="<urn:uuid:0001>"')] }),
    );
    expect(contactsOf(answer)).toEqual([`<${desk}>;+sip.instance="<urn:uuid:0001>";expires=3600`]);
  });

  test('is not confirmed again to who only asks', async () => {
    const kit = new RegistrarKit();
    await kit.register(registerRequest({ contacts: [managed], more: [['Supported', 'outbound']] }));
    const answer = await kit.register(registerRequest({ cseq: 2, more: [['Supported', 'outbound']] }));
    expect(answer.headers.has('Require')).toBe(false);
  });
});

describe('a store that is slow', () => {
  test('is asked for one REGISTER of a user after the other: the later one wins', async () => {
    const kit = new RegistrarKit();
    kit.store.mood = 'slow';
    const first = kit.start(registerRequest({ contacts: [contact(desk)], cseq: 1 }));
    const second = kit.start(registerRequest({ contacts: [contact(desk, ';expires=0')], cseq: 2 }));
    for (let step = 0; step < 8; step += 1) await kit.store.go();
    expect([first[0]?.status, second[0]?.status]).toEqual([200, 200]);
    kit.store.mood = 'prompt';
    expect(await kit.stored()).toEqual([]);
  });

  test('is not asked for a third REGISTER while the second is served', async () => {
    const kit = new RegistrarKit();
    kit.store.mood = 'slow';
    const first = kit.start(registerRequest({ contacts: [contact(desk)], cseq: 1 }));
    const second = kit.start(registerRequest({ contacts: [contact(mobile)], cseq: 2 }));
    while (first.length === 0) await kit.store.go();
    const third = kit.start(registerRequest({ contacts: ['*'], expires: '0', cseq: 3 }));
    for (let step = 0; step < 8; step += 1) await kit.store.go();
    expect([second[0]?.status, third[0]?.status]).toEqual([200, 200]);
    kit.store.mood = 'prompt';
    expect(await kit.stored()).toEqual([]);
  });

  test('that fails after its deadline is not answered for again', async () => {
    const kit = new RegistrarKit();
    kit.store.mood = 'slow';
    const answers = kit.start(registerRequest({ contacts: [contact(desk)] }));
    await settled();
    kit.scheduler.advance(storeDeadline);
    kit.store.mood = 'broken';
    await kit.store.go();
    expect(answers.map(({ status }) => status)).toEqual([503]);
  });

  test('does not make one user wait for another', async () => {
    const kit = new RegistrarKit();
    kit.store.mood = 'hung';
    kit.start(registerRequest({ contacts: [contact(desk)] }));
    await settled();
    kit.store.mood = 'prompt';
    const answer = await kit.register(
      registerRequest({ to: 'sip:bob@pbx.test', contacts: ['<sip:bob@h>'] }),
      phoneFlow(2),
      bob,
    );
    expect(answer.status).toBe(200);
  });

  test('and a flow that closes meanwhile: nothing of it is left, whenever it closes', async () => {
    for (const closesAt of [0, 1, 2]) {
      const kit = new RegistrarKit();
      kit.store.mood = 'slow';
      kit.start(registerRequest({ contacts: [contact(desk)] }));
      for (let step = 0; step < 8; step += 1) {
        await settled();
        if (step === closesAt) kit.close(phoneFlow(1));
        await kit.store.go();
      }
      kit.store.mood = 'prompt';
      await settled();
      expect(await kit.stored(), `closed at ${closesAt}`).toEqual([]);
      expect(kit.registrar.flows).toBe(0);
    }
  });

  test('and a phone that comes back on a new flow while its old one closes: the new one stays', async () => {
    for (const order of ['closes first', 'registers first']) {
      const kit = new RegistrarKit();
      const phone = (cseq: number) =>
        registerRequest({ cseq, contacts: [contact(desk, ';reg-id=1;+sip.instance="<urn:uuid:0001>"')] });
      await kit.register(phone(1), phoneFlow(1));
      kit.store.mood = 'slow';
      if (order === 'closes first') kit.close(phoneFlow(1));
      const answers = kit.start(phone(2), phoneFlow(2));
      if (order === 'registers first') kit.close(phoneFlow(1));
      for (let step = 0; step < 8; step += 1) await kit.store.go();
      kit.store.mood = 'prompt';
      expect(answers[0]?.status, order).toBe(200);
      expect(await kit.reachable(), order).toEqual([`${desk} over flow-2`]);
    }
  });

  test('or hung is not waited for: 503 with Retry-After, once', async () => {
    const kit = new RegistrarKit();
    kit.store.mood = 'hung';
    const answers = kit.start(registerRequest({ contacts: [contact(desk)] }));
    await settled();
    kit.scheduler.advance(storeDeadline - 1);
    expect(answers).toEqual([]);
    kit.scheduler.advance(1);
    expect(answers.map(({ status }) => status)).toEqual([503]);
    expect(Number(answers[0]?.headers.get('Retry-After'))).toBeGreaterThanOrEqual(10);
    expect(answers[0]?.headers.get('To')).toMatch(/;tag=[0-9a-f]{16}$/);
    expect(kit.errors).toHaveLength(1);
    expect(kit.scheduler.pending).toBe(0);
  });

  test('that answers after its deadline is not answered for again, and who was told to come back is not served', async () => {
    const kit = new RegistrarKit();
    kit.store.mood = 'slow';
    const first = kit.start(registerRequest({ contacts: [contact(desk)], cseq: 1 }));
    const second = kit.start(registerRequest({ contacts: [contact(mobile)], cseq: 2 }));
    await settled();
    kit.scheduler.advance(storeDeadline);
    for (let step = 0; step < 8; step += 1) await kit.store.go();
    expect([first, second].map((answers) => answers.map(({ status }) => status))).toEqual([[503], [503]]);
    kit.store.mood = 'prompt';
    expect(await kit.stored()).toEqual([desk]);
    const again = await kit.register(registerRequest({ contacts: [contact(mobile)], cseq: 3 }));
    expect(contactsOf(again)).toHaveLength(2);
  });

  test('is not asked for more than so many REGISTERs of one user', async () => {
    const kit = new RegistrarKit();
    kit.store.mood = 'hung';
    const all = Array.from({ length: maxWaitingPerUser + 5 }, (_, cseq) =>
      kit.start(registerRequest({ contacts: [contact(desk)], cseq })),
    );
    expect(all.filter(([answer]) => answer?.status === 503)).toHaveLength(5);
    expect(kit.scheduler.pending).toBe(maxWaitingPerUser);
  });

  test('that fails is 503 with Retry-After, and what was bound stays', async () => {
    const kit = new RegistrarKit();
    await kit.register(registerRequest({ contacts: [contact(desk)] }));
    kit.store.mood = 'broken';
    const answer = await kit.register(registerRequest({ contacts: [contact(mobile)], cseq: 2 }));
    expect(answer.status).toBe(503);
    expect(answer.headers.has('Retry-After')).toBe(true);
    expect(kit.errors).toEqual([{ aor: 'alice@pbx.test', error: 'the disk is on fire' }]);
    await expect(kit.registrar.reachable('alice@pbx.test')).rejects.toThrow('fire');
    kit.store.mood = 'prompt';
    expect(await kit.reachable()).toEqual([`${desk} over flow-1`]);
  });

  test('that fails when a flow closes is logged, and the phone is not reached all the same', async () => {
    const kit = new RegistrarKit();
    await kit.register(registerRequest({ contacts: [contact(desk)] }));
    kit.store.mood = 'broken';
    kit.close(phoneFlow(1));
    await settled();
    expect(kit.errors).toHaveLength(1);
    kit.store.mood = 'prompt';
    expect(await kit.reachable()).toEqual([]);
    expect(kit.registrar.flows).toBe(0);
  });
});

test('nothing waits and nothing is queued once every REGISTER is answered', async () => {
  const kit = new RegistrarKit();
  for (let cseq = 1; cseq < 20; cseq += 1) await kit.register(registerRequest({ contacts: [contact(desk)], cseq }));
  expect(kit.scheduler.pending).toBe(0);
  kit.store.mood = 'hung';
  // A queue that were never shortened would be full by now.
  expect(kit.start(registerRequest({ contacts: [contact(desk)], cseq: 20 }))).toEqual([]);
});

describe('a registration that a PBX is told of', () => {
  const desk = 'sip:alice@198.51.100.1:40001;transport=tls';

  /** What the PBX was told, and what it says. */
  function upstream(kit: RegistrarKit, says: () => Promise<number | undefined>): readonly string[] {
    const told: string[] = [];
    kit.upstream = {
      bound: (aor, lifetime) => {
        told.push(`bound ${aor} ${lifetime}`);
        return says();
      },
      unbound: (aor) => told.push(`unbound ${aor}`),
    };
    return told;
  }

  test('is not kept when the PBX refuses it, and what it may have heard is taken back', async () => {
    const kit = new RegistrarKit();
    const told = upstream(kit, () => Promise.resolve(403));
    const answer = await kit.register(registerRequest({ contacts: [`<${desk}>`] }));
    expect(answer.status).toBe(403);
    expect(told).toEqual(['bound alice@pbx.test 3600000', 'unbound alice@pbx.test']);
    expect(await kit.stored()).toEqual([]);
  });

  test('is taken back when the store cannot keep it', async () => {
    const kit = new RegistrarKit();
    const told = upstream(kit, () => {
      kit.store.mood = 'broken';
      return Promise.resolve(undefined);
    });
    const answer = await kit.register(registerRequest({ contacts: [`<${desk}>`] }));
    expect(answer.status).toBe(503);
    expect(told).toEqual(['bound alice@pbx.test 3600000', 'unbound alice@pbx.test']);
  });

  test('is told with the life of what is left when one of two phones goes', async () => {
    const kit = new RegistrarKit();
    const told = upstream(kit, () => Promise.resolve(undefined));
    await kit.register(registerRequest({ callId: 'a', contacts: [`<${desk}>;expires=3600`] }), phoneFlow(1));
    await kit.register(
      registerRequest({ callId: 'b', contacts: ['<sip:alice@198.51.100.9>;expires=600'] }),
      phoneFlow(2),
    );
    kit.close(phoneFlow(1));
    await settled();
    expect(told.at(-1)).toBe('bound alice@pbx.test 600000');
    kit.close(phoneFlow(2));
    await settled();
    expect(told.at(-1)).toBe('unbound alice@pbx.test');
  });

  test('is told with the life of what can be reached: a flow that is dead counts for nothing', async () => {
    const kit = new RegistrarKit();
    const told = upstream(kit, () => Promise.resolve(undefined));
    await kit.register(registerRequest({ callId: 'a', contacts: [`<${desk}>;expires=3600`] }), phoneFlow(1));
    kit.kill(phoneFlow(1));
    await kit.register(
      registerRequest({ callId: 'b', contacts: ['<sip:alice@198.51.100.9>;expires=600'] }),
      phoneFlow(2),
    );
    expect(told.at(-1)).toBe('bound alice@pbx.test 600000');
  });

  test('is told again when another PBX shall know of it', async () => {
    const kit = new RegistrarKit();
    await kit.register(registerRequest({ contacts: [`<${desk}>`] }));
    const told = upstream(kit, () => Promise.resolve(undefined));
    await kit.registrar.announce();
    await settled();
    expect(told).toEqual(['bound alice@pbx.test 3600000']);
  });
});

describe('a phone that comes back over another flow', () => {
  const phone = '<sip:alice@198.51.100.1>;+sip.instance="<urn:uuid:1>"';

  test.each(['lost before', 'still there'])('has the dialogs of its old one moved, which was %s', async (what) => {
    const kit = new RegistrarKit();
    await kit.register(registerRequest({ callId: 'a', contacts: [phone] }), phoneFlow(1));
    await kit.register(registerRequest({ callId: 'b', contacts: ['<sip:alice@198.51.100.2>'] }), phoneFlow(2));
    if (what === 'lost before') kit.close(phoneFlow(1));
    await settled();
    await kit.register(registerRequest({ callId: 'c', contacts: [phone] }), phoneFlow(3));
    expect(kit.moved).toEqual(['flow-1 to flow-3']);
    await kit.register(registerRequest({ callId: 'c', cseq: 2, contacts: [phone] }), phoneFlow(3));
    expect(kit.moved).toHaveLength(1);
  });
});

describe('what an earlier process had registered', () => {
  const udp = fakeFlow({ transport: 'udp', id: 'datagrams', reliable: false });

  /** A process that finds what another one kept. */
  async function successor(flow = udp, changes: Partial<BindingRecord> = {}): Promise<RegistrarKit> {
    const before = new RegistrarKit();
    await before.register(registerRequest({ contacts: [contact(desk)], expires: '600' }), flow);
    const records = await before.store.find('alice@pbx.test');
    const kit = new RegistrarKit();
    await kit.store.save(
      'alice@pbx.test',
      records.map((record) => ({ ...record, ...changes })),
    );
    await kit.registrar.takeUp();
    return kit;
  }

  test('by datagrams is reached as before, for as long as it was granted, whatever becomes of the time of day', async () => {
    const kit = await successor();
    expect(await kit.reachable()).toEqual([`${desk} over datagrams`]);
    kit.scheduler.clock.jumpWall(86_400_000);
    kit.scheduler.advance(599_999);
    expect(await kit.reachable()).toEqual([`${desk} over datagrams`]);
    kit.scheduler.advance(1);
    expect(await kit.reachable()).toEqual([]);
    const [live] = await (await successor()).registrar.reachable('alice@pbx.test');
    expect(live?.flow).toMatchObject({
      reliable: false,
      secure: false,
      transport: 'udp',
      local: udp.local,
      remote: udp.remote,
      listener: udp.listener,
      peerNames: [],
    });
  });

  test('is not reached here over a connection, which ended, at another node, or when it is over', async () => {
    const now = new RegistrarKit().scheduler.clock.wall();
    const kits = [
      await successor(phoneFlow(1)),
      await successor(udp, { node: 'other' }),
      await successor(udp, { expiresAt: now }),
    ];
    for (const kit of kits) expect([await kit.reachable(), kit.registrar.flows]).toEqual([[], 0]);
    expect(await (await successor(udp, { expiresAt: now + 1 })).reachable()).toHaveLength(1);
  });
});
