import { describe, expect, test } from 'vitest';
import type { KeptRunning } from '../../../../src/compose/keeping/kept-call.ts';
import { readKeptCall, writeKeptCall } from '../../../../src/compose/keeping/kept-call-text.ts';
import { Scenario } from '../../../support/scenario.ts';
import { connect, hangUp } from '../../../support/scenario-calls.ts';

const charge = { user: 'alice@pbx.test', half: undefined, session: undefined };

/** A call that runs, as it is kept. */
async function running(): Promise<KeptRunning> {
  const s = new Scenario();
  const connected = await connect(s);
  const [snapshot] = s.b2bua.snapshots();
  if (snapshot === undefined) throw new Error('no call runs');
  await hangUp(connected);
  await s.finish();
  return { v: 1, kind: 'running', at: 5, run: 'run-1', snapshot, slots: ['total'], charge };
}

/** As it comes out of a document: what is undefined is not there. */
function asRead(kept: KeptRunning): unknown {
  return JSON.parse(JSON.stringify(kept));
}

describe('a running call as text', () => {
  test('is read as it was, and what stood twice in it stands there once', async () => {
    const kept = await running();
    const text = writeKeptCall(kept);
    expect(JSON.parse(JSON.stringify(readKeptCall(text)))).toEqual(asRead(kept));
    expect(text.match(/"fingerprint"/g)).toHaveLength(2);
    expect(text.match(/"flow":\{/g)).toHaveLength(2);
    expect(text.match(/a=crypto/g)).toHaveLength(1);
    expect(text.length).toBeLessThan(0.85 * JSON.stringify(kept).length);
  });

  test('that was read and is written again is as short', async () => {
    const text = writeKeptCall(await running());
    const read = readKeptCall(text);
    expect(read && JSON.parse(writeKeptCall(read))).toEqual(JSON.parse(text));
  });

  test('keeps apart what is not the same: a policy of its own, a body that is not agreed to, another way out', async () => {
    const kept = await running();
    const { snapshot } = kept;
    const { caller } = snapshot.call;
    const body = { version: 7, text: 'v=0\r\n' };
    const [first, second] = snapshot.signalling.sessions;
    if (first === undefined || second === undefined) throw new Error('a call has two sessions');
    const sdp = { ...caller.sdp, policy: { ...caller.sdp.policy, maxMediaLines: 1 }, sent: body };
    const away = { ...second.session, flow: undefined };
    const other: KeptRunning = {
      ...kept,
      snapshot: {
        ...snapshot,
        call: { ...snapshot.call, caller: { ...caller, sdp } },
        signalling: { ...snapshot.signalling, sessions: [first, { leg: second.leg, session: away }] },
        media: undefined,
      },
    };
    expect(JSON.parse(JSON.stringify(readKeptCall(writeKeptCall(other))))).toEqual(asRead(other));
    const unsent: KeptRunning = {
      ...other,
      snapshot: {
        ...other.snapshot,
        call: { ...snapshot.call, caller: { ...caller, sdp: { ...sdp, sent: undefined, committedBody: undefined } } },
      },
    };
    expect(JSON.parse(JSON.stringify(readKeptCall(writeKeptCall(unsent))))).toEqual(asRead(unsent));
  });

  test('of a version that nobody knows is not read', () => {
    expect(readKeptCall('{"v":3,"kind":"running"}')).toBeUndefined();
    expect(readKeptCall('{"v":2,"kind":"over"}')).toBeUndefined();
    expect(readKeptCall('{"v":1,"kind":"asleep"}')).toBeUndefined();
    expect(readKeptCall('null')).toBeUndefined();
  });
});
