// The SBC as it runs, on real sockets of loopback: TLS, digest and SRTP outside, UDP and plain RTP inside.
import { createSocket } from 'node:dgram';
import { afterEach, expect, test } from 'vitest';
import { type LoopbackOptions, LoopbackSite } from '../support/loopback-site.ts';
import { rtp } from '../support/rtp-packets.ts';

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
