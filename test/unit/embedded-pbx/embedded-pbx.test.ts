// The PBX for trying out, on real sockets of loopback: what a phone of the project's own hears and sees of it.
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { systemRandom } from '../../../src/core/random.ts';
import { SystemScheduler } from '../../../src/core/scheduler.ts';
import { type EmbeddedPbx, startEmbeddedPbx } from '../../../src/embedded-pbx/embedded-pbx.ts';
import { CallRefused, Phone } from '../../support/phone.ts';

const scheduler = new SystemScheduler(systemClock, (thrown) => {
  throw thrown;
});
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

async function pbxAndPhone(): Promise<{ readonly pbx: EmbeddedPbx; readonly phone: Phone }> {
  const pbx = await startEmbeddedPbx({
    address: { address: '127.0.0.1', port: 0 },
    scheduler,
    random: systemRandom,
    logger: silentLogger,
  });
  const phone = await Phone.start({
    name: 'sbc',
    domain: 'pbx.test',
    password: '',
    transport: 'udp',
    sbc: pbx.address,
    scheduler,
  });
  open.push(pbx, phone);
  return { pbx, phone };
}

describe('the embedded PBX', () => {
  test('echoes what it is told at 600, packet by packet', async () => {
    const { pbx, phone } = await pbxAndPhone();
    const call = await phone.call('600').answered;
    expect(pbx.calls).toBe(1);
    await call.talk(15);
    await expect.poll(() => call.heard.packets).toBe(15);
    expect(call.heard.tone.decibels).toBeCloseTo(-6.2, 0);
    expect((await call.hangUp()).cause).toBe('local');
    await expect.poll(() => pbx.calls).toBe(0);
  });

  test('plays a tone at 601, and none while it is on hold', async () => {
    const { phone } = await pbxAndPhone();
    const call = await phone.call('601').answered;
    await expect.poll(() => call.heard.packets, { timeout: 5_000 }).toBeGreaterThan(10);
    expect(call.heard.tone.share).toBeGreaterThan(0.9);
    expect(await call.hold()).toBe(200);
    const { packets } = call.heard;
    await call.talk(10);
    expect(call.heard.packets).toBeLessThanOrEqual(packets + 1);
    expect(await call.resume()).toBe(200);
    await expect.poll(() => call.heard.packets).toBeGreaterThan(packets + 5);
    await call.hangUp();
  });

  test('calls a name back where the call came from, and joins both', async () => {
    const { pbx, phone } = await pbxAndPhone();
    const dialling = phone.call('bob');
    const ring = await phone.nextCall();
    expect(ring.request.uri).toMatch(/^sip:bob@127\.0\.0\.1:\d+$/);
    expect(ring.request.headers.get('Max-Forwards')).toBe('69');
    const bob = await ring.answer();
    const alice = await dialling.answered;
    await Promise.all([alice.talk(10), bob.talk(10)]);
    await expect.poll(() => [alice.heard.packets, bob.heard.packets]).toEqual([10, 10]);
    expect(await alice.hold()).toBe(200);
    expect(bob.reinvites).toBe(1);
    await bob.hangUp();
    expect((await alice.ended).cause).toBe('bye');
    await expect.poll(() => pbx.calls).toBe(0);
  });

  test('passes on a refusal, and a CANCEL', async () => {
    const { pbx, phone } = await pbxAndPhone();
    const refused = phone.call('bob');
    (await phone.nextCall()).reject(486);
    await expect(refused.answered).rejects.toMatchObject({ status: 486 });
    const given = phone.call('bob');
    const ring = await phone.nextCall();
    await expect.poll(() => given.provisionals).toContain(180);
    given.cancel();
    await ring.cancelled;
    await expect(given.answered).rejects.toBeInstanceOf(CallRefused);
    await expect.poll(() => pbx.calls).toBe(0);
  });

  test('ends its calls when it is closed', async () => {
    const { pbx, phone } = await pbxAndPhone();
    const call = await phone.call('600').answered;
    await pbx.close();
    expect((await call.ended).cause).toBe('bye');
  });

  test('listens nowhere but on loopback', async () => {
    const started = startEmbeddedPbx({
      address: { address: '192.0.2.1', port: 0 },
      scheduler,
      random: systemRandom,
      logger: silentLogger,
    });
    await expect(started).rejects.toMatchObject({ code: 'embedded-pbx-address' });
  });
});
