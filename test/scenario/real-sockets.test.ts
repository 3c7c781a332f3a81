// The SBC as it runs, on real sockets of loopback: TLS, digest and SRTP outside, UDP and plain RTP inside.
import { createSocket } from 'node:dgram';
import { afterEach, expect, test } from 'vitest';
import { AdminClient } from '../../src/admin/admin-client.ts';
import type { OverviewAnswer } from '../../src/admin/admin-client-answers.ts';
import { usualCallQuery } from '../../src/admin/overview.ts';
import { type LoopbackOptions, LoopbackSite } from '../support/loopback-site.ts';
import { rtp } from '../support/rtp-packets.ts';
import { ask } from '../unit/admin/admin-fixture.ts';

const sites: LoopbackSite[] = [];

afterEach(async () => {
  for (const site of sites.splice(0)) {
    await site.close();
    site.remove();
  }
});

async function started(options: LoopbackOptions): Promise<LoopbackSite> {
  const site = await LoopbackSite.start(options);
  sites.push(site);
  return site;
}

test('alice calls bob through the PBX: both hear the tone as loud as it was said, also after a hold', async () => {
  const site = await started({ users: ['alice', 'bob'] });
  const alice = await site.phone('alice');
  const bob = await site.phone('bob');
  expect(await alice.register()).toBe(200);
  expect(await bob.register()).toBe(200);
  const dialling = alice.call('bob');
  const bobsEnd = await (await bob.nextCall()).answer();
  const alicesEnd = await dialling.answered;
  expect(dialling.provisionals).toContain(180);
  await Promise.all([alicesEnd.talk(25), bobsEnd.talk(25)]);
  await expect.poll(() => [alicesEnd.heard.packets, bobsEnd.heard.packets]).toEqual([25, 25]);
  expect(await alicesEnd.hold()).toBe(200);
  await bobsEnd.talk(5);
  expect(alicesEnd.heard.packets).toBe(25);
  expect(await alicesEnd.resume()).toBe(200);
  await Promise.all([alicesEnd.talk(10), bobsEnd.talk(10)]);
  await expect.poll(() => [alicesEnd.heard.packets, bobsEnd.heard.packets]).toEqual([35, 35]);
  for (const { heard } of [alicesEnd, bobsEnd]) {
    expect(heard.tone.decibels).toBeCloseTo(-6.2, 0);
    expect(heard.unusable).toBe(0);
  }
  await bobsEnd.hangUp();
  expect((await alicesEnd.ended).cause).toBe('bye');
  await site.close();
  expect(site.records()).toHaveLength(2);
});

test('what strangers send to a media port is neither relayed nor answered (RTP bleed)', async () => {
  const site = await started({ users: ['alice'] });
  const alice = await site.phone('alice');
  const call = await alice.call('600').answered;
  const port = call.media.remote?.rtp;
  if (port === undefined) throw new Error('no media');
  const stranger = createSocket('udp4');
  let echoed = 0;
  stranger.on('message', () => {
    echoed += 1;
  });
  await new Promise<void>((resolve) => stranger.bind(0, '127.0.0.1', resolve));
  for (let sequence = 0; sequence < 50; sequence += 1)
    stranger.send(rtp({ sequence, payloadType: 8 }), port.port, port.address);
  await call.talk(20);
  await expect.poll(() => call.heard.packets).toBe(20);
  expect(call.heard.unusable).toBe(0);
  expect(echoed).toBe(0);
  stranger.close();
  await call.hangUp();
});

test('a wrong password registers nobody, and a call beyond the cap is refused while the first goes on', async () => {
  const site = await started({ users: ['alice'], limits: 'concurrent_calls = 1' });
  const thief = await site.phone('alice', undefined, 'guess');
  expect(await thief.register()).toBe(401);
  const alice = await site.phone('alice');
  const call = await alice.call('601').answered;
  await expect(alice.call('600').answered).rejects.toMatchObject({ status: 486 });
  const before = call.heard.packets;
  await expect.poll(() => call.heard.packets).toBeGreaterThan(before + 5);
  await call.hangUp();
  await site.close();
  expect(site.records()).toHaveLength(2);
});

test('a call ends on both sides when its longest duration is over', async () => {
  const site = await started({ users: ['alice'], limits: 'max_call_duration = "1s"' });
  const alice = await site.phone('alice');
  const call = await alice.call('601').answered;
  const { cause, reason } = await call.ended;
  expect(cause).toBe('bye');
  expect(reason).toContain('Call duration limit reached');
  await expect.poll(() => site.pbx.calls).toBe(0);
});

test('an overview has the call that runs with its quality, what was counted, and the processors used', async () => {
  const site = await started({ users: ['alice'] });
  const alice = await site.phone('alice');
  expect(await alice.register()).toBe(200);
  const call = await alice.call('600').answered;
  await call.talk(60);
  const client = new AdminClient(site.adminSocket);
  const look = async (): Promise<OverviewAnswer> => {
    const answer = await client.overview({ ...usualCallQuery, order: 'mos', match: 'alice' });
    if (!answer.ok) throw new Error(answer.error.message);
    return answer.value;
  };
  await expect.poll(async () => (await look()).media.received.packets).toBeGreaterThanOrEqual(60);
  const seen = await look();
  expect(seen).toMatchObject({ node: 'loopback', state: 'ready', calls: { active: 1 }, registrations: 1, matching: 1 });
  expect(seen.list[0]).toMatchObject({ caller: 'alice@pbx.test', quality: { oneWay: false } });
  expect(seen.list[0]?.quality?.mos).toBeGreaterThan(4);
  expect(seen.workers).toHaveLength(1);
  expect(seen.workers[0]?.packets).toBeGreaterThanOrEqual(60);
  if (process.platform === 'linux') {
    expect(seen.workers[0]?.ran).toBeGreaterThan(0);
    expect(seen.process.ran).toBeGreaterThan(0);
  }
  const [{ id = '' } = {}] = seen.list;
  expect((await client.endCall(id)).ok).toBe(true);
  await call.ended;
  await expect.poll(async () => (await look()).calls).toEqual({ active: 0, answered: 1, unanswered: 0, refused: 0 });
});

test('a load balancer is told 503 from the first moment of a drain, while the process is well and the call goes on', async () => {
  const site = await started({ users: ['alice'] });
  const socketPath = site.adminSocket;
  const probes = async (): Promise<readonly (number | undefined)[]> => {
    const [ready, healthy] = await Promise.all([ask({ socketPath }, '/readyz'), ask({ socketPath }, '/healthz')]);
    return [ready.status, healthy.status];
  };
  const alice = await site.phone('alice');
  expect(await alice.register()).toBe(200);
  const call = await alice.call('600').answered;
  expect(await probes()).toEqual([200, 200]);
  const drained = site.sbc.drain();
  expect(await probes()).toEqual([503, 200]);
  await call.talk(5);
  expect(await probes()).toEqual([503, 200]);
  await call.hangUp();
  await drained;
  expect(await probes()).toEqual([503, 200]);
});
