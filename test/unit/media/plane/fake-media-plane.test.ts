import { describe, expect, test } from 'vitest';
import { readMediaSnapshot } from '../../../../src/media/plane/media-snapshot.ts';
import { FakeMediaPlane } from '../../../support/fake-media-plane.ts';

const remote = {
  rtp: { address: '192.0.2.9', port: 4000 },
  rtcp: undefined,
  receive: undefined,
  send: undefined,
  latching: { kind: 'signalled' },
  sending: true,
  receiving: true,
  payloadTypes: [],
} as const;

/** A call on a plane, and what its session tells for a successor. */
async function snapshotted() {
  const plane = new FakeMediaPlane();
  const opened = plane.openSession('call', () => {});
  if (!opened.ok) throw new Error(opened.error.detail);
  await opened.value.openEndpoints([
    { address: '192.0.2.1', rtcpMux: true },
    { address: '192.0.2.1', rtcpMux: false },
  ]);
  opened.value.setRemote(1, remote);
  opened.value.join(1, 2);
  const told = await opened.value.snapshot();
  if (!told.ok) throw new Error(told.error.detail);
  const snapshot = readMediaSnapshot(JSON.parse(JSON.stringify(told.value)));
  if (snapshot === undefined) throw new Error('it is no snapshot');
  return { plane, snapshot };
}

describe('the fake media plane, which scenarios restart', () => {
  test('goes on with a session of another one: ports, peers, who is joined, and the next endpoint', async () => {
    const { plane, snapshot } = await snapshotted();
    const next = new FakeMediaPlane();
    expect(await next.resumeSession('call', snapshot, () => {})).toMatchObject({ ok: true });
    const [before, after] = [plane.open[0], next.open[0]];
    expect(after?.endpoints).toEqual(before?.endpoints);
    expect(after?.partners).toEqual(before?.partners);
    expect(after?.remotes.get(1)).toMatchObject({ rtp: remote.rtp });
    expect(next.portsInUse).toBe(3);
    const more = await after?.openEndpoints([{ address: '192.0.2.1', rtcpMux: true }]);
    expect(more).toMatchObject({ ok: true, value: [{ endpoint: 3, rtpPort: 20_004 }] });
  });

  test('refuses one whose ports are taken', async () => {
    const { plane, snapshot } = await snapshotted();
    expect(await plane.resumeSession('call', snapshot, () => {})).toMatchObject({ error: { code: 'no-ports' } });
  });
});
