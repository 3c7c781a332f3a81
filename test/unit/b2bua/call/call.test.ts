// The call machine: what it asks for in each state, that each end is one end, and that what comes late is given back.
import { describe, expect, test } from 'vitest';
import { Call } from '../../../../src/b2bua/call/call.ts';
import type { CallInput } from '../../../../src/b2bua/call/call-event.ts';
import { SeededRandom } from '../../../support/fake-time.ts';
import { admission, CallKit, calleeSdp, callerSdp, claim, only, target, textOf, trunkClaim } from './call-kit.ts';

const inviting: readonly string[] = ['invite'];

describe('setting up', () => {
  test('asks policy, then the store, then for ports of its own leg, then for those of the target, and only then invites', () => {
    const kit = new CallKit();
    expect(kit.types({ type: 'started' })).toEqual(['admit']);
    const reserve = only(kit.feed({ type: 'admitted', admission: admission() }), 'reserve');
    expect(reserve).toMatchObject({ leg: 'a', claims: [claim] });
    const open = kit.feed({ type: 'reserved', leg: 'a', claims: [claim] });
    expect(only(open, 'open-media')).toMatchObject({ leg: 'a', specs: [{ address: '192.0.2.1', rtcpMux: false }] });
    const second = kit.open(open);
    expect(second.map(({ type }) => type)).toEqual(['start', 'open-media']);
    expect(only(second, 'start')).toMatchObject({ timer: 'ring', delay: 180_000 });
    const invite = only(kit.open(second), 'invite');
    expect(textOf(invite.body)).toContain('c=IN IP4 10.0.0.10');
    expect(textOf(invite.body)).not.toContain('crypto');
    expect(kit.call.state).toBe('trying');
  });

  test('refuses an offer that it cannot use before it takes a slot', () => {
    const kit = new CallKit({ contentType: 'text/plain', bytes: Buffer.from('hello') });
    kit.feed({ type: 'started' });
    const outputs = kit.feed({ type: 'admitted', admission: admission() });
    expect(only(outputs, 'reject').status).toBe(415);
    expect(outputs.some(({ type }) => type === 'reserve')).toBe(false);
    expect(kit.record().refusal?.code).toBe('media-not-acceptable');
  });

  test('takes the slot of a trunk before the ports of its attempt', () => {
    const kit = new CallKit();
    kit.feed({ type: 'started' });
    kit.feed({ type: 'admitted', admission: admission([target('carrier', { claims: [trunkClaim] })]) });
    const asked = kit.open(kit.feed({ type: 'reserved', leg: 'a', claims: [claim] }));
    expect(only(asked, 'reserve')).toMatchObject({ leg: 'b1', claims: [trunkClaim] });
    expect(kit.types({ type: 'reserved', leg: 'b1', claims: [trunkClaim] })).toEqual(['open-media']);
  });

  test('a full trunk is refused with its own words, and nothing was sent', () => {
    const kit = new CallKit();
    kit.feed({ type: 'started' });
    kit.feed({ type: 'admitted', admission: admission([target('carrier', { claims: [trunkClaim] })]) });
    kit.open(kit.feed({ type: 'reserved', leg: 'a', claims: [claim] }));
    const outputs = kit.feed({ type: 'reservation-refused', leg: 'b1', refusal: trunkClaim.refusal });
    const reject = only(outputs, 'reject');
    expect(reject.status).toBe(480);
    expect(reject.headers.get('Reason')).toContain('Trunk capacity reached');
    expect(kit.record()).toMatchObject({
      cause: 'refused',
      refusal: { code: 'trunk-cap' },
      attempts: [{ target: 'pbx:carrier', outcome: 'not-sent' }],
    });
  });

  test('goes on to the next stage when one is full, out of order or silent, and gives back what it held', () => {
    const stages = [
      [target('one', { claims: [trunkClaim] })],
      [target('two')],
      [target('three')],
      [target('four')],
    ] as const;
    const kit = new CallKit();
    kit.feed({ type: 'started' });
    kit.feed({ type: 'admitted', admission: admission(...stages) });
    kit.open(kit.feed({ type: 'reserved', leg: 'a', claims: [claim] }));
    const second = kit.feed({ type: 'reservation-refused', leg: 'b1', refusal: trunkClaim.refusal });
    expect(only(kit.open(second), 'invite').target.party.name).toBe('two');
    const third = kit.feed({ type: 'attempt-failed', leg: 'b2', failure: { status: 503, cause: 'response' } });
    expect(only(third, 'close-endpoints').endpoints).toHaveLength(1);
    expect(only(kit.open(third), 'invite').target.party.name).toBe('three');
    const fourth = kit.feed({ type: 'attempt-failed', leg: 'b3', failure: { status: 408, cause: 'timeout' } });
    expect(only(kit.open(fourth), 'invite').target.party.name).toBe('four');
    const end = kit.feed({ type: 'attempt-failed', leg: 'b4', failure: { status: 404, cause: 'response' } });
    expect(only(end, 'reject').status).toBe(404);
    expect(kit.record().attempts.map(({ status }) => status)).toEqual([480, 503, 408, 404]);
  });

  test('does not go on to the next stage when the callee was reached and refused', () => {
    const kit = new CallKit();
    kit.invited(admission([target('one')], [target('two')]));
    const end = kit.feed({ type: 'attempt-failed', leg: 'b1', failure: { status: 486, cause: 'response' } });
    expect(only(end, 'reject').status).toBe(486);
  });

  test('tells each provisional status once', () => {
    const kit = new CallKit();
    kit.invited();
    const ring: CallInput = {
      type: 'provisional',
      leg: 'b1',
      earlyId: 't1',
      status: 180,
      body: undefined,
      isReliable: false,
    };
    expect(kit.types(ring)).toEqual(['tell', 'progress']);
    expect(kit.types(ring)).toEqual([]);
    expect(kit.call.state).toBe('ringing');
  });

  test('stops the limit of early media when the attempt that it was of fails', () => {
    const kit = new CallKit();
    kit.invited(admission([target('one'), target('two')]));
    const early = kit.feed({
      type: 'provisional',
      leg: 'b1',
      earlyId: 't1',
      status: 183,
      body: calleeSdp(),
      isReliable: false,
    });
    expect(only(early, 'start')).toMatchObject({ timer: 'early-media', delay: 60_000 });
    const failed = kit.feed({ type: 'attempt-failed', leg: 'b1', failure: { status: 404, cause: 'response' } });
    expect(only(failed, 'stop').timer).toBe('early-media');
    const again = kit.feed({
      type: 'provisional',
      leg: 'b2',
      earlyId: 't2',
      status: 183,
      body: calleeSdp(),
      isReliable: false,
    });
    expect(again.some(({ type }) => type === 'start')).toBe(true);
  });
});

describe('connecting', () => {
  test('acknowledges, tells the worker of both sides, joins them, and answers last', () => {
    const kit = new CallKit();
    const outputs = kit.connected();
    const types = outputs.map(({ type }) => type);
    expect(types[0]).toBe('ack');
    expect(types.at(-1)).toBe('answer');
    expect(types.filter((type) => type === 'set-remote')).toHaveLength(2);
    expect(only(outputs, 'join')).toMatchObject({ a: 1, b: 2 });
    expect(only(outputs, 'start')).toMatchObject({ timer: 'duration', delay: 7_200_000 });
    expect(kit.call.state).toBe('connected');
  });

  test('ends the other attempts of the stage, with their ports and slots', () => {
    const kit = new CallKit();
    kit.invited(admission([target('one'), target('two', { claims: [] })]));
    const outputs = kit.feed({ type: 'answered', leg: 'b2', earlyId: 't', body: calleeSdp() });
    const cancel = only(outputs, 'cancel');
    expect(cancel.leg).toBe('b1');
    expect(cancel.headers.get('Reason')).toContain('Call completed elsewhere');
    expect(only(outputs, 'close-endpoints').endpoints).toEqual([2]);
  });

  test('ports that come for an attempt that is over are closed, also in the middle of a re-INVITE', () => {
    const kit = new CallKit();
    kit.feed({ type: 'started' });
    kit.feed({ type: 'admitted', admission: admission([target('one'), target('two')]) });
    const asked = kit.open(kit.feed({ type: 'reserved', leg: 'a', claims: [claim] }));
    kit.open(asked, 'b1');
    kit.feed({ type: 'answered', leg: 'b1', earlyId: 't', body: calleeSdp() });
    kit.feed({ type: 'reinvited', leg: 'a', body: callerSdp('sendonly') });
    const late = kit.feed({ type: 'media-opened', leg: 'b2', endpoints: [kit.endpoint()] });
    expect(only(late, 'close-endpoints').endpoints).toEqual([3]);
    expect(kit.feed({ type: 'media-refused', leg: 'b2', detail: 'no-ports' })).toEqual([]);
    const done = kit.feed({ type: 'reinvite-answered', leg: 'b1', body: calleeSdp('recvonly') });
    expect(done.map(({ type }) => type)).toContain('accept-reinvite');
  });
});

describe('every end', () => {
  const setUps: readonly (readonly [string, (kit: CallKit) => void])[] = [
    ['admitting', (kit) => void kit.feed({ type: 'started' })],
    [
      'reserving',
      (kit) => {
        kit.feed({ type: 'started' });
        kit.feed({ type: 'admitted', admission: admission() });
      },
    ],
    [
      'opening media',
      (kit) => {
        kit.feed({ type: 'started' });
        kit.feed({ type: 'admitted', admission: admission() });
        kit.feed({ type: 'reserved', leg: 'a', claims: [claim] });
      },
    ],
    ['trying', (kit) => void kit.invited()],
    [
      'ringing',
      (kit) => {
        kit.invited();
        kit.feed({ type: 'provisional', leg: 'b1', earlyId: 't', status: 180, body: undefined, isReliable: false });
      },
    ],
    ['connected', (kit) => void kit.connected()],
  ];
  const ends: readonly CallInput[] = [
    { type: 'cancelled' },
    { type: 'caller-flow-lost' },
    { type: 'timer', timer: 'ring' },
    { type: 'timer', timer: 'duration' },
    { type: 'media-timeout' },
    { type: 'media-lost', detail: 'worker' },
    { type: 'media-failed', detail: 'join' },
    { type: 'leg-ended', leg: 'a', cause: 'bye', reason: undefined },
    { type: 'leg-ended', leg: 'a', cause: 'no-ack', reason: undefined },
    { type: 'end', cause: 'operator' },
    { type: 'end', cause: 'draining' },
    { type: 'end', cause: 'internal' },
  ];

  test.each(setUps)('while %s releases slots and media, stops all timers, and happens once', (_name, setUp) => {
    for (const end of ends) {
      const kit = new CallKit();
      setUp(kit);
      const outputs = kit.feed(end);
      expect(only(outputs, 'release').claims).toBeUndefined();
      only(outputs, 'close-media');
      expect(outputs.filter(({ type }) => type === 'stop')).toHaveLength(4);
      expect(kit.call.state).toBe('ending');
      for (const other of ends) expect(kit.feed(other)).toEqual([]);
      kit.record();
      for (const other of ends) expect(kit.feed(other)).toEqual([]);
    }
  });

  test('before the answer refuses the caller, unless that one gave up, and cancels the callee', () => {
    for (const end of ends) {
      const kit = new CallKit();
      kit.invited();
      const outputs = kit.feed(end);
      expect(outputs.filter(({ type }) => type === 'reject')).toHaveLength(end.type === 'cancelled' ? 0 : 1);
      expect(only(outputs, 'cancel').leg).toBe('b1');
      expect(outputs.some(({ type }) => type === 'bye')).toBe(false);
    }
  });

  test('after the answer sends BYE to each side that did not end itself', () => {
    for (const end of ends) {
      const kit = new CallKit();
      kit.connected();
      const byes = kit.feed(end).flatMap((output) => (output.type === 'bye' ? [output.leg] : []));
      expect(byes).toEqual(end.type === 'leg-ended' ? ['b1'] : ['a', 'b1']);
    }
  });

  test('gives back what is answered too late', () => {
    const kit = new CallKit();
    kit.feed({ type: 'started' });
    kit.feed({ type: 'admitted', admission: admission() });
    kit.feed({ type: 'cancelled' });
    expect(kit.feed({ type: 'reserved', leg: 'a', claims: [claim] })).toEqual([{ type: 'release', claims: [claim] }]);
    expect(kit.feed({ type: 'media-opened', leg: 'a', endpoints: [kit.endpoint()] })).toEqual([
      { type: 'close-endpoints', endpoints: [1] },
    ]);
    expect(kit.feed({ type: 'reinvited', leg: 'a', body: undefined })).toEqual([
      { type: 'reject-reinvite', leg: 'a', status: 491 },
    ]);
    kit.record();
  });

  test('passes on the Reason that the peer gave', () => {
    const kit = new CallKit();
    kit.connected();
    const reason = 'Q.850;cause=31;text="from the peer"';
    const outputs = kit.feed({ type: 'leg-ended', leg: 'b1', cause: 'bye', reason });
    expect(only(outputs, 'bye')).toMatchObject({ leg: 'a' });
    expect(only(outputs, 'bye').headers.get('Reason')).toBe(reason);
  });

  test('of a leg that lost the race does not end the call', () => {
    const kit = new CallKit();
    kit.invited(admission([target('one'), target('two')]));
    kit.feed({ type: 'answered', leg: 'b1', earlyId: 't', body: calleeSdp() });
    expect(kit.feed({ type: 'leg-ended', leg: 'b2', cause: 'bye', reason: undefined })).toEqual([]);
    expect(kit.call.state).toBe('connected');
  });

  test('of an attempt leaves no session behind when its answer comes all the same', () => {
    const kit = new CallKit();
    kit.invited(admission([target('one'), target('two')]));
    kit.feed({ type: 'answered', leg: 'b1', earlyId: 't', body: calleeSdp() });
    const late = kit.feed({ type: 'answered', leg: 'b2', earlyId: 'u', body: calleeSdp() });
    expect(late).toMatchObject([
      { type: 'ack', leg: 'b2' },
      { type: 'bye', leg: 'b2' },
    ]);
    expect(kit.call.state).toBe('connected');
  });
});

describe('the record', () => {
  test('measures from answer to end on the clock that never jumps', () => {
    const kit = new CallKit();
    kit.connected();
    kit.clock.move(61_500);
    kit.clock.jumpWall(-3_600_000);
    kit.feed({ type: 'leg-ended', leg: 'a', cause: 'bye', reason: undefined });
    expect(kit.record()).toMatchObject({ duration: 61_500, cause: 'caller-hung-up', canonical: '600', dialled: '600' });
  });

  test('of a call that was never answered has no duration', () => {
    const kit = new CallKit();
    kit.invited();
    kit.clock.move(5_000);
    kit.feed({ type: 'cancelled' });
    expect(kit.record()).toMatchObject({ duration: 0, answeredAt: undefined, status: 487 });
  });
});

describe('a snapshot', () => {
  test('of a running call makes the same call again, which goes on under the same keys', () => {
    const kit = new CallKit();
    kit.connected();
    kit.clock.move(1_000);
    const at = { now: kit.clock.now(), wall: kit.clock.wall() };
    const snapshot = structuredClone(kit.call.snapshot(at));
    if (snapshot === undefined) throw new Error('no snapshot');
    const restored = Call.restore(snapshot, new SeededRandom(9), { now: 50, wall: at.wall });
    expect(restored.snapshot({ now: 50, wall: at.wall })).toEqual(snapshot);
    const outputs = restored.handle({ type: 'reinvited', leg: 'a', body: callerSdp('sendonly') }, { now: 60, wall: 0 });
    expect(only(outputs, 'reinvite').leg).toBe('b1');
    restored.handle({ type: 'leg-ended', leg: 'b1', cause: 'bye', reason: undefined }, { now: 550, wall: 0 });
    const ended = restored.handle({ type: 'media-closed', report: { endpoints: [] } }, { now: 560, wall: 0 });
    expect(only(ended, 'ended').record).toMatchObject({ duration: 1_500, cause: 'callee-hung-up' });
  });

  test('is not made of a call that is not answered', () => {
    const kit = new CallKit();
    const at = { now: 0, wall: 0 };
    expect(kit.call.snapshot(at)).toBeUndefined();
    kit.invited();
    expect(kit.call.snapshot(at)).toBeUndefined();
  });

  test('of a later version is not guessed at', () => {
    const kit = new CallKit();
    kit.connected();
    const snapshot = kit.call.snapshot({ now: 0, wall: 0 });
    if (snapshot === undefined) throw new Error('no snapshot');
    const later: unknown = { ...snapshot, v: 2 };
    expect(() => Call.restore(later as typeof snapshot, new SeededRandom(1), { now: 0, wall: 0 })).toThrow(/version/);
  });
});

test('an INVITE goes to each target of a stage at once', () => {
  const kit = new CallKit();
  expect(kit.invited(admission([target('one'), target('two')])).map(({ type }) => type)).toEqual([
    ...inviting,
    ...inviting,
  ]);
});
