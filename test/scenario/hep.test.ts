// What Homer gets of a call through a running SBC: both legs in clear, under one correlation id, without secrets.
import { createSocket } from 'node:dgram';
import { expect, onTestFinished, test } from 'vitest';
import { LoopbackSite } from '../support/loopback-site.ts';

test('Homer gets every message of both legs in clear, under the Call-ID of the first one, without keys', async () => {
  const homer = createSocket('udp4');
  const packets: string[] = [];
  homer.on('message', (bytes) => packets.push(bytes.toString('latin1')));
  await new Promise<void>((resolve) => homer.bind(0, '127.0.0.1', resolve));
  const site = await LoopbackSite.start({
    users: ['alice'],
    admin: `[hep]\naddress = "127.0.0.1:${homer.address().port}"\ncapture_id = 42`,
  });
  onTestFinished(async () => {
    await site.close();
    site.remove();
    homer.close();
  });
  const alice = await site.phone('alice');
  expect(await alice.register()).toBe(200);
  const call = await alice.call('600').answered;
  await call.hangUp();
  const byes = (): readonly string[] =>
    packets.filter((packet) => packet.includes('(BYE)') || /\nCSeq: \d+ BYE/.test(packet));
  // A BYE and its 200 on each leg.
  await expect.poll(() => byes().length, { timeout: 10_000 }).toBe(4);
  expect(packets.every((packet) => packet.startsWith('HEP3'))).toBe(true);
  const invites = packets.filter((packet) => /INVITE sip:600@/.test(packet) && packet.includes('m=audio'));
  const callIds = new Set(byes().map((packet) => /\nCall-ID: (\S+)/i.exec(packet)?.[1]));
  expect(callIds.size).toBe(2);
  const shared = [...callIds].filter((id) => id !== undefined && byes().every((packet) => packet.includes(id)));
  expect(shared).toHaveLength(1);
  expect(invites.some((packet) => packet.includes('a=crypto:'))).toBe(true);
  for (const packet of packets) expect(packet).not.toMatch(/inline:(?!x+)|response="(?!x+")/);
});
