import { describe, expect, test } from 'vitest';
import type { SrtpCipherFactory } from '../../../../src/media/srtp/cipher.ts';
import { nodeCipherFactory } from '../../../../src/media/srtp/node-cipher.ts';
import type { SrtpKeying } from '../../../../src/media/srtp/profile.ts';
import { SrtpReceiver } from '../../../../src/media/srtp/srtp-receiver.ts';
import { SrtpSender } from '../../../../src/media/srtp/srtp-sender.ts';
import { rtp } from '../../../support/rtp-packets.ts';
import { plainMemory } from '../../../support/srtp-vectors.ts';

const memory = plainMemory();
const offset = 1024;

/** Real ciphers, each of which is noted when it is opened. */
function counted(): { readonly ciphers: SrtpCipherFactory; readonly opened: string[] } {
  const ciphers = nodeCipherFactory(memory);
  const opened: string[] = [];
  return {
    opened,
    ciphers: {
      ...ciphers,
      open: (profile, keys, direction) => {
        opened.push(direction);
        return ciphers.open(profile, keys, direction);
      },
    },
  };
}

const keying = (): SrtpKeying => ({
  suite: 'AES_CM_128_HMAC_SHA1_80',
  masterKey: new Uint8Array(16).fill(1),
  masterSalt: new Uint8Array(14).fill(2),
});

function put(packet: Uint8Array): number {
  memory.bytes.set(packet, offset);
  return packet.length;
}

describe('keys that are derived when they are used', () => {
  test('cost nothing before the first packet, and are derived once', () => {
    const { ciphers, opened } = counted();
    const [sender, receiver] = [new SrtpSender(keying(), ciphers), new SrtpReceiver(keying(), ciphers)];
    expect(opened).toEqual([]);
    for (const sequence of [1, 2]) {
      const length = sender.protectRtp(offset, put(rtp({ sequence })));
      expect(receiver.unprotectRtp(offset, length)).toBe(rtp({ sequence }).length);
    }
    expect(opened).toEqual(['protect', 'unprotect']);
  });

  test('are those that were given, also when the giver has wiped its copy', () => {
    const { ciphers } = counted();
    const given = keying();
    const sender = new SrtpSender(given, ciphers);
    given.masterKey.fill(0);
    given.masterSalt.fill(0);
    const length = sender.protectRtp(offset, put(rtp({ sequence: 1 })));
    expect(new SrtpReceiver(keying(), ciphers).unprotectRtp(offset, length)).toBeGreaterThan(0);
  });

  test('are gone after the end, used or not: nothing is protected with what is left', () => {
    const { ciphers, opened } = counted();
    const sender = new SrtpSender(keying(), ciphers);
    sender.close();
    expect(() => sender.protectRtp(offset, put(rtp({ sequence: 1 })))).toThrow('used after close');
    expect(opened).toEqual([]);
  });
});
