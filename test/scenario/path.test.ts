// A phone behind a proxy of its own: the Path that it registered with is the Route of calls to it (RFC 3327 §5.3, §5.4).
import { expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { callFromPbx } from '../support/scenario-calls.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';

const way = ['<sip:p1@edge.test;lr>', '<sip:p2@edge.test;lr>'];

test.each(['Supported', 'Require'])(
  '%s: path is answered with the path, which calls to the phone take',
  async (name) => {
    const s = new Scenario();
    const bob = s.phone('bob');
    const response = await bob.register([
      ['Expires', '3600'],
      [name, 'path'],
      ['Path', way.join(', ')],
    ]);
    expect(response.status).toBe(200);
    expect(response.headers.values('Path')).toEqual(way);
    const call = await callFromPbx(s, 'bob');
    const leg = CalleeLeg.take(bob);
    expect(leg.invite.headers.values('Route')).toEqual(way);
    expect(leg.invite.uri).toBe(bob.contact.slice(1, -1));
    await leg.ring();
    call.take(180);
    await call.cancel();
    const cancel = await leg.takeCancel();
    expect(cancel.headers.values('Route')).toEqual(way);
    await call.takeRefusal(487);
    await s.finish();
  },
);

test('a 430 of such a proxy has the phone of a lower q tried, and is 480 for who calls where none is left (RFC 5626 §11.5)', async () => {
  const s = new Scenario();
  const [bob, desk] = [s.phone('bob'), s.phone('bob', '198.51.100.2')];
  [bob.q, desk.q] = ['1', '0.5'];
  await bob.register([
    ['Expires', '3600'],
    ['Supported', 'path'],
    ['Path', way.join(', ')],
  ]);
  expect((await desk.register()).status).toBe(200);
  const call = await callFromPbx(s, 'bob');
  desk.expectNothing();
  await CalleeLeg.take(bob).refuse(430);
  await CalleeLeg.take(desk).refuse(430);
  await call.takeRefusal(480);
  await s.finish();
});

test('Path without support for it is not kept, and nothing is said of it', async () => {
  const s = new Scenario();
  const bob = s.phone('bob');
  const response = await bob.register([
    ['Expires', '3600'],
    ['Path', way.join(', ')],
  ]);
  expect(response.headers.has('Path')).toBe(false);
  const call = await callFromPbx(s, 'bob');
  const leg = CalleeLeg.take(bob);
  expect(leg.invite.headers.has('Route')).toBe(false);
  await leg.refuse(486);
  await call.takeRefusal(486);
  await s.finish();
});
