// Listeners and transport limits as the configuration describes them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  checkCertificate,
  checkKeying,
  familiesOf,
  listenerOptions,
  mediaTerms,
  transportLimits,
} from '../../../../src/compose/site/listeners.ts';
import type { OwnMedia } from '../../../../src/compose/site/own-media.ts';
import { readConfig } from '../../../../src/config/load.ts';
import type { Config } from '../../../../src/config/schema.ts';
import { fingerprintOf } from '../../../../src/media/dtls/fingerprint.ts';
import { defaultTransportLimits } from '../../../../src/sip/transport/transport-limits.ts';
import { TestAuthority } from '../../../support/test-certificates.ts';
import { least } from '../../config/least-config.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function read(more = ''): Config {
  const result = readConfig(`${least}\n${more}`, 'f');
  if (!result.ok) throw new Error(result.error.map(({ key, message }) => `${key}: ${message}`).join('\n'));
  return result.value;
}

function tls(address: string, more = ''): string {
  return `[[network]]
name = "outside"
media = [{ address = "192.0.2.1" }]
[[listener]]
name = "phones"
network = "outside"
transport = "tls"
address = "${address}"
advertise = "sbc.example.com:5061"
certificate = "a.crt"
key = "a.key"
${more}`;
}

describe('what a peer may send', () => {
  const fingerprint = fingerprintOf(Uint8Array.of(1), 'sha-256');
  const termsOf = (network: string, own: OwnMedia, limits = '') => {
    const config = read(tls('192.0.2.1:5061').replace('media =', `${network}\nmedia =`) + limits);
    return mediaTerms({ config, fingerprint }, 'phones', { address: '198.51.100.7', isPhone: true, own }).sdp;
  };

  test('is what everybody may, a thousand packets and 8 Mbit a second, and no more than its codecs have to send', () => {
    expect(termsOf('', {})).toMatchObject({
      mediaLimit: { packetsPerSecond: 1_000, bytesPerSecond: 1_000_000 },
      limitByCodec: true,
    });
  });

  test('is the word of the nearest that says something: the peer, its network, everybody', () => {
    const limits =
      '[limits]\nmedia_packets_per_second = 500\nmedia_bandwidth = "800kbit"\nmedia_limit_by_codec = false\n';
    expect(termsOf('', {}, limits)).toMatchObject({
      mediaLimit: { packetsPerSecond: 500, bytesPerSecond: 100_000 },
      limitByCodec: false,
    });
    expect(termsOf('media_packets_per_second = 200', {}, limits)).toMatchObject({
      mediaLimit: { packetsPerSecond: 200, bytesPerSecond: 100_000 },
    });
    const own = { media_packets_per_second: 60, media_bandwidth: 80_000, media_limit_by_codec: true };
    expect(termsOf('media_packets_per_second = 200', own, limits)).toMatchObject({
      mediaLimit: { packetsPerSecond: 60, bytesPerSecond: 10_000 },
      limitByCodec: true,
    });
  });
});

describe('keying', () => {
  const peer = { address: '198.51.100.7', isPhone: true };
  const fingerprint = fingerprintOf(Uint8Array.of(1), 'sha-256');
  const outside = (keying: string, more = ''): Config =>
    read(tls('192.0.2.1:5061').replace('media =', `${keying}\nmedia =`) + more);

  test('is that of the network, SDES first, unless the peer has its own', () => {
    const config = outside('');
    expect(mediaTerms({ config, fingerprint }, 'phones', peer).sdp).toMatchObject({
      keying: ['sdes', 'dtls'],
      fingerprint,
    });
    const own = mediaTerms({ config, fingerprint }, 'phones', { ...peer, own: { keying: ['dtls'] } });
    expect(own.sdp.keying).toEqual(['dtls']);
  });

  test('comes with suites for SDES: ours, or those of the network in its order', () => {
    expect(mediaTerms({ config: outside(''), fingerprint }, 'phones', peer).sdp.suites).toEqual([
      'AEAD_AES_256_GCM',
      'AEAD_AES_128_GCM',
      'AES_256_CM_HMAC_SHA1_80',
      'AES_CM_128_HMAC_SHA1_80',
    ]);
    const own = ['AES_CM_128_HMAC_SHA1_32', 'AEAD_AES_128_GCM'];
    const config = outside(`suites = ${JSON.stringify(own)}`);
    expect(mediaTerms({ config, fingerprint }, 'phones', peer).sdp.suites).toEqual(own);
  });

  test('with DTLS first needs workers that speak it: else nothing starts', () => {
    const config = outside('keying = ["dtls"]');
    checkKeying({ config, fingerprint });
    expect(() => checkKeying({ config, fingerprint: undefined })).toThrow(/outside: keying "dtls" needs native code/);
    checkKeying({ config: outside('keying = ["sdes", "dtls"]'), fingerprint: undefined });
    checkKeying({ config: outside('keying = ["dtls"]\nencryption = "off"'), fingerprint: undefined });
    const trunk = '\n[[trunk]]\nname = "carrier"\nlistener = "phones"\nuri = "sip:c.example"\nkeying = ["dtls"]';
    expect(() => checkKeying({ config: outside('', trunk), fingerprint: undefined })).toThrow(/carrier/);
    const group = '\n[[group]]\nname = "browsers"\nkeying = ["dtls"]';
    expect(() => checkKeying({ config: outside('', group), fingerprint: undefined })).toThrow(/browsers/);
  });
});

describe('transport limits', () => {
  test('are those of the transports unless the file says otherwise', () => {
    expect(transportLimits(read())).toEqual(defaultTransportLimits);
  });

  test('are taken from the file', () => {
    const config = read(
      `[transport]
connections = 1
connections_per_address = 2
handshakes_per_address = 3
handshake_timeout = "4s"
first_message_timeout = "5s"
message_timeout = "6s"
unserved_timeout = "7s"
idle_timeout = "8s"
connect_timeout = "9s"
send_queue = "10KB"`,
    );
    expect(transportLimits(config)).toEqual({
      ...defaultTransportLimits,
      connections: 1,
      connectionsPerAddress: 2,
      handshakesPerAddress: 3,
      handshakeTimeout: 4_000,
      firstMessageTimeout: 5_000,
      messageTimeout: 6_000,
      unservedTimeout: 7_000,
      idleTimeout: 8_000,
      connectTimeout: 9_000,
      sendQueueBytes: 10_000,
    });
  });
});

describe('certificates of a listener', () => {
  test('are read, each with its names, and each must fit its key', () => {
    const folder = mkdtempSync(join(tmpdir(), 'listeners-'));
    folders.push(folder);
    const authority = new TestAuthority();
    for (const name of ['a', 'b']) {
      const { certificate, key } = authority.issue({ dns: [`${name}.example`] });
      writeFileSync(join(folder, `${name}.crt`), certificate);
      writeFileSync(join(folder, `${name}.key`), key);
    }
    const options = (key: string): ReturnType<typeof listenerOptions>[number] | undefined => {
      const more = `certificates = [{ certificate = "b.crt", key = "${key}", names = ["*.b.example"] }]`;
      return listenerOptions(read(tls('192.0.2.1:5061', more)), join(folder, 'f.toml')).find((one) => one.tls);
    };
    const good = options('b.key')?.tls;
    expect(good?.others?.map(({ names }) => names)).toEqual([['*.b.example']]);
    if (good === undefined) throw new Error('no TLS');
    checkCertificate(good);
    const bad = options('a.key')?.tls;
    if (bad === undefined) throw new Error('no TLS');
    expect(() => checkCertificate(bad)).toThrow('certificate and key cannot be used');
  });

  test.each(['client_ca', 'server_ca'] as const)('are checked against %s, which names somebody', (key) => {
    const folder = mkdtempSync(join(tmpdir(), 'listeners-'));
    folders.push(folder);
    const authority = new TestAuthority();
    const pair = authority.issue({ dns: ['a.example'] });
    writeFileSync(join(folder, 'a.crt'), pair.certificate);
    writeFileSync(join(folder, 'a.key'), pair.key);
    const trusted = (pem: string | undefined) => {
      rmSync(join(folder, 'ca.pem'), { force: true });
      if (pem !== undefined) writeFileSync(join(folder, 'ca.pem'), pem);
      const config = read(tls('192.0.2.1:5061', `${key} = "ca.pem"`));
      const options = listenerOptions(config, join(folder, 'f.toml')).find((one) => one.tls)?.tls;
      return key === 'client_ca' ? options?.clientCa : options?.serverCa;
    };
    expect(trusted(authority.certificate)).toEqual([authority.certificate.trim()]);
    for (const pem of ['', 'garbage', undefined]) expect(() => trusted(pem)).toThrow(`listener phones: ${key}: `);
  });

  test('have names that are host names, and belong to TLS', () => {
    const more = 'certificates = [{ certificate = "b.crt", key = "b.key", names = ["sip:b.example"] }]';
    const result = readConfig(`${least}\n${tls('192.0.2.1:5061', more)}`, 'f');
    expect(result.ok ? [] : result.error.map(({ key }) => key)).toEqual(['listener[1].certificates[0].names[0]']);
  });
});

describe('what a listener reaches', () => {
  test.each([
    ['192.0.2.1:5061', [4]],
    ['[2001:db8::1]:5061', [6]],
    ['[::]:5061', [6, 4]],
    ['0.0.0.0:5061', [4]],
  ])('from %s are the families %j', (address, families) => {
    expect(familiesOf(read(tls(address)), 'phones')).toEqual(families);
  });
});
