// RTP bleed and injection (CVE-2025-53399), forged and replayed SRTP, against running calls on real sockets.
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { systemRandom } from '../../src/core/random.ts';
import type { SocketAddress } from '../../src/core/socket-address.ts';
import { AttackSite, stranger } from '../support/attack-site.ts';
import type { Phone } from '../support/phone.ts';
import type { PhoneCall } from '../support/phone-call.ts';
import type { PhoneMedia } from '../support/phone-media.ts';
import type { RawDatagrams } from '../support/raw-peer.ts';

const packets = 75;
let site: AttackSite;

afterEach(() => site.close());

async function talking(phones: readonly Phone[]): Promise<readonly [PhoneCall, PhoneCall]> {
  const [alice, bob] = phones;
  if (alice === undefined || bob === undefined) throw new Error('a call needs two');
  expect([await alice.register(), await bob.register()]).toEqual([200, 200]);
  const dialling = alice.call('bob');
  const ring = await bob.nextCall();
  const bobsEnd = await ring.answer();
  return [await dialling.answered, bobsEnd];
}

/** RTP of the call's own payload type, SRTP-like noise, RTCP, STUN and DTLS, each from `source` to every media port. */
async function spray(source: RawDatagrams): Promise<void> {
  const rtp = Buffer.alloc(172, 0xd5);
  rtp.writeUInt16BE(0x8008, 0);
  rtp.writeUInt16BE(systemRandom.below(65_536), 2);
  rtp.writeUInt32BE(0xbad0bad0, 8);
  const noise = Buffer.concat([rtp.subarray(0, 12), randomBytes(176)]);
  const rtcp = Buffer.alloc(28);
  rtcp.writeUInt32BE(0x80c80006, 0);
  const stun = Buffer.from('000100002112a442000000000000000000000000', 'hex');
  const hello = Buffer.concat([Buffer.from('16fefd0000000000000000', 'hex'), randomBytes(60)]);
  for (const port of site.mediaPorts) {
    for (const bytes of [rtp, noise, rtcp, stun, hello]) await source.send(bytes, { address: '127.0.0.1', port });
  }
}

/** What `media` sends, and where to. */
function tap(media: PhoneMedia): { readonly bytes: Uint8Array; readonly to: SocketAddress }[] {
  const sent: { readonly bytes: Uint8Array; readonly to: SocketAddress }[] = [];
  const send = media.send.bind(media);
  media.send = (bytes, to) => {
    sent.push({ bytes: bytes.slice(), to });
    send(bytes, to);
  };
  return sent;
}

function dropped(reason: string): Promise<number> {
  return site.metric('sbc_media_dropped_total', `reason="${reason}"`);
}

async function isUnharmed(...calls: readonly PhoneCall[]): Promise<void> {
  for (const { media } of calls) {
    await expect.poll(() => media.heard.packets, { timeout: 3_000 }).toBeGreaterThanOrEqual(packets * 0.96);
    expect(media.heard).toMatchObject({ unusable: 0 });
    expect(media.heard.packets).toBeLessThanOrEqual(packets);
    expect(media.heard.tone.share).toBeGreaterThan(0.9);
  }
}

describe.each(['tls', 'udp'] as const)('RTP sprayed over the port range during a call over %s', (transport) => {
  test('reaches nobody, learns nothing, and is counted', async () => {
    site = await AttackSite.start();
    const [alice, bob] = [await site.phone('alice', transport), await site.phone('bob', transport)];
    const [far, near] = [await site.datagrams(stranger), await site.datagrams('127.0.0.1')];
    // From before the first packet of the call, so that datagrams wait in the sockets when the peers latch.
    const ends = await talking([alice, bob]);
    await spray(far);
    await spray(near);
    const talk = Promise.all(ends.map((end) => end.talk(packets)));
    for (let round = 0; round < 5; round += 1) {
      await spray(far);
      await spray(near);
    }
    await talk;
    await isUnharmed(...ends);
    expect([...far.inbox.bytes, ...near.inbox.bytes]).toEqual([]);
    const sum = async (): Promise<number> => (await dropped('foreign')) + (await dropped('forged'));
    await expect.poll(sum, { timeout: 3_000 }).toBeGreaterThan(0);
    await expect.poll(() => dropped('unexpected-protocol'), { timeout: 3_000 }).toBeGreaterThan(0);
    await ends[0].hangUp();
    await ends[1].ended;
  });
});

describe('a call over SRTP', () => {
  test('survives hundreds of packets that do not authenticate, from its own phone’s address, and counts them', async () => {
    site = await AttackSite.start();
    const ends = await talking([await site.phone('alice'), await site.phone('bob')]);
    const [{ media }] = ends;
    const sent = tap(media);
    const talk = Promise.all(ends.map((end) => end.talk(packets)));
    await expect.poll(() => sent.length).toBeGreaterThan(3);
    const [first] = sent;
    if (first === undefined) throw new Error('nothing was sent');
    const forged = 500;
    for (let count = 0; count < forged; count += 1) {
      const bytes = Uint8Array.from(first.bytes);
      bytes[2] = count >> 8;
      bytes[3] = count & 0xff;
      bytes[20] = (bytes[20] ?? 0) ^ 0xff;
      media.send(bytes, first.to);
    }
    await talk;
    await isUnharmed(...ends);
    await expect.poll(() => dropped('forged'), { timeout: 3_000 }).toBeGreaterThanOrEqual(forged * 0.9);
    await ends[0].hangUp();
  });

  test('does not hear a packet twice, whoever sends it again', async () => {
    site = await AttackSite.start();
    const ends = await talking([await site.phone('alice'), await site.phone('bob')]);
    const [{ media }] = ends;
    const sent = tap(media);
    await Promise.all(ends.map((end) => end.talk(packets)));
    const replayer = await site.datagrams();
    const captured = [...sent];
    for (const { bytes, to } of captured) {
      media.send(bytes, to);
      await replayer.send(bytes, to);
    }
    await expect.poll(() => dropped('replayed'), { timeout: 3_000 }).toBeGreaterThanOrEqual(captured.length * 0.9);
    await isUnharmed(...ends);
    expect(replayer.inbox.bytes).toEqual([]);
    await ends[0].hangUp();
  });
});
