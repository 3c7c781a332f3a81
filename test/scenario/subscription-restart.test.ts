// Subscriptions of phones when the process is killed: what they watched is gone with it, and each phone is told to subscribe anew.
import { describe, expect, test } from 'vitest';
import { legAt, Restarts, returned } from '../support/scenario-restarts.ts';
import {
  datagrams,
  onDatagrams,
  PbxSubscription,
  PhoneSubscription,
  subscribe,
  subscribing,
} from '../support/scenario-subscriptions.ts';

describe('a subscription that a killed process had granted', () => {
  test('to a phone on UDP is ended at once in its dialog, so that the phone subscribes anew', async () => {
    const restarts = new Restarts({ tables: subscribing, more: datagrams });
    const first = restarts.start();
    const { own } = await subscribe(first, onDatagrams(first));
    await first.advance(1_500);
    const second = restarts.start(first);
    const phone = onDatagrams(second);
    await second.settle();
    const notify = phone.takeRequest('NOTIFY');
    expect(notify.headers.get('Call-ID')).toBe(own.state.callId);
    expect(notify.headers.get('Subscription-State')).toBe('terminated;reason=deactivated');
    expect(Number.parseInt(notify.headers.get('CSeq') ?? '', 10)).toBeGreaterThan(500);
    await legAt(phone, own).respond(notify, 200);
    expect(second.former.waiting).toBe(0);
    await subscribe(second, phone);
    expect(second.subscriptions.active).toBe(1);
    // It was told: the process after hears only of the new one.
    await second.advance(1_500);
    const third = restarts.start(second);
    expect(third.former.waiting).toBe(1);
  });

  test('to a phone on a connection is ended when the phone is back over another one', async () => {
    const restarts = new Restarts({ tables: subscribing });
    const first = restarts.start();
    const phone = await first.registered('alice');
    const { own } = await subscribe(first, phone);
    await first.advance(1_500);
    const second = restarts.start(first);
    await second.advance(10_000);
    const back = returned(second, phone);
    back.expectNothing();
    await back.startRegister();
    const notify = back.takeRequest('NOTIFY');
    expect(notify.headers.get('Subscription-State')).toBe('terminated;reason=deactivated');
    await legAt(back, own).respond(notify, 200);
    back.takeResponse(200, 'REGISTER');
    expect(second.former.waiting).toBe(0);
    await second.finish();
  });

  test('is refused a refresh with 481, and forgotten when its time is over', async () => {
    const restarts = new Restarts({ tables: subscribing });
    const first = restarts.start();
    const { own } = await subscribe(first, await first.registered('alice'), { expires: 600 });
    await first.advance(1_500);
    const second = restarts.start(first);
    expect(second.former.waiting).toBe(1);
    await second.advance(700_000);
    expect(second.former.waiting).toBe(0);
    expect(own.state.callId).not.toBe('');
    await second.finish();
    const third = restarts.start(second);
    expect(third.former.waiting).toBe(0);
    await third.finish();
  });

  test('that had ended before is not heard of', async () => {
    const restarts = new Restarts({ tables: subscribing });
    const first = restarts.start();
    const own = await PhoneSubscription.ask(first.phone('alice'), { expires: 600 });
    const pbx = PbxSubscription.take(first);
    await first.advance(1_500);
    // Not granted yet: nobody has heard of it.
    expect(restarts.start(first).former.waiting).toBe(0);
    await pbx.accept(600);
    own.take(200);
    await first.advance(1_500);
    expect(restarts.start(first).former.waiting).toBe(1);
    await pbx.notify('terminated;reason=noresource');
    await own.told();
    await first.advance(1_500);
    expect(restarts.start(first).former.waiting).toBe(0);
  });
});
