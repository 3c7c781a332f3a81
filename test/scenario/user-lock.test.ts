// A user that is locked, wherever that was done: what it has registered and subscribed to ends at once, on all sides, and calls go on.
import { describe, expect, test } from 'vitest';
import { Headers } from '../../src/sip/message/headers.ts';
import { responseTo } from '../../src/sip/message/message.ts';
import { Scenario } from '../support/scenario.ts';
import { callFromPbx, connect, hangUp } from '../support/scenario-calls.ts';
import { subscribe, subscribing, unsubscribe } from '../support/scenario-subscriptions.ts';

const alice = 'alice@pbx.test';

describe('a user that was locked elsewhere', () => {
  test('is signed off, its subscriptions are rejected, and its call goes on', async () => {
    const s = new Scenario({ tables: subscribing });
    const phone = await s.registered('alice');
    const { own, pbx } = await subscribe(s, phone);
    const running = await connect(s, phone);
    await s.site.users.lock(alice);
    const standing = s.standing.recheck(alice);
    await s.settle();
    expect(await standing).toEqual({ stands: false, registrations: 1, subscriptions: 1 });
    expect((await own.told()).headers.get('Subscription-State')).toBe('terminated;reason=rejected');
    await pbx.accept(0, s.pbx.takeRequest('SUBSCRIBE'));
    await pbx.notify('terminated');
    s.pbx.takeResponse(200, 'NOTIFY');
    expect(await s.registrar.list()).toEqual([]);
    expect(s.registrar.flows).toBe(0);
    await (await callFromPbx(s, 'alice')).takeRefusal(480);
    expect(s.b2bua.calls()).toMatchObject([{ state: 'connected', caller: alice }]);
    await hangUp(running);
    phone.expectNothing();
    await s.finish();
  });

  test('is taken back from the PBX that its registration was forwarded to', async () => {
    const s = new Scenario({ pbx: 'registrations = "forward"' });
    const phone = s.phone('alice');
    await phone.startRegister();
    const registered = s.pbx.takeRequest('REGISTER');
    const contact = ['Contact', registered.headers.get('Contact') ?? ''] as const;
    await s.pbx.send(responseTo(registered, 200, { toTag: 'r', headers: Headers.of(contact) }));
    phone.takeResponse(200, 'REGISTER');
    await s.lock(alice);
    await s.settle();
    const removed = s.pbx.takeRequest('REGISTER');
    expect(removed.headers.get('Expires')).toBe('0');
    await s.pbx.send(responseTo(removed, 200, { toTag: 'r' }));
    await s.finish();
  });

  test('keeps what it has where it may stand after all', async () => {
    const s = new Scenario({ tables: subscribing });
    const phone = await s.registered('alice');
    const { own, pbx } = await subscribe(s, phone);
    expect(await s.standing.recheck(alice)).toEqual({ stands: true, registrations: 0, subscriptions: 0 });
    phone.expectNothing();
    expect(await s.registrar.list()).toHaveLength(1);
    await unsubscribe(s, own, pbx);
    await s.finish();
  });

  test('is nobody: what a user has open that there is no more ends too', async () => {
    const s = new Scenario();
    expect(await s.standing.recheck('nobody@pbx.test')).toEqual({ stands: false, registrations: 0, subscriptions: 0 });
    await s.finish();
  });
});
