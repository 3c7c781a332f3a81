// The harness judges itself: the tone meter, the pcap reader and the wire check find what is wrong as well as what is right.
import { createCipheriv, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type CaseContext, check } from '../case.ts';
import type { Packet } from '../peers/pcap.ts';
import { measureTone, readWav, writeToneWav } from '../peers/tone.ts';
import { judgeWire } from '../peers/wire-check.ts';

export const name = 'self-measures';
export const selfTest = true;

export async function run({ lab, note }: CaseContext): Promise<void> {
  const path = join(lab.directory('measures'), 'tone.wav');
  writeToneWav(path, 2, -20);
  const tone = measureTone(readWav(path));
  check(Math.abs(tone.levelDb + 20) < 0.1, `a tone of -20 dB measured ${tone.levelDb}`);
  check(Math.abs(tone.seconds - 2) < 0.05 && tone.longestGapMs === 0, `2 s of tone measured ${tone.seconds}`);
  writeToneWav(path, 2, -20, 1_000);
  check(measureTone(readWav(path)).seconds === 0, 'a tone of 1000 Hz was taken for the test tone');

  const udp = (payload: Buffer): Packet => ({ ...ENDS, protocol: 'udp', payload });
  const tcp = (payload: Buffer): Packet => ({ ...ENDS, protocol: 'tcp', payload });
  const header = Buffer.from('800800010000000100000001', 'hex');
  const speech = Buffer.alloc(160, 0xd5);
  const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
  const secret = Buffer.concat([header, cipher.update(speech), randomBytes(10)]);
  const record = Buffer.concat([Buffer.from('1703030020', 'hex'), randomBytes(32)]);
  const good = judgeWire([udp(secret), tcp(record)]);
  check(good.offences.length === 0 && good.srtpPackets === 1, `encrypted traffic offends: ${good.offences.join('; ')}`);
  const bad: Record<string, Packet> = {
    'plain RTP': udp(Buffer.concat([header, speech])),
    'plain RTP with ten bytes more': udp(Buffer.concat([header, speech, randomBytes(10)])),
    'plain RTCP': udp(Buffer.from('80c9000100000001', 'hex')),
    'SIP on UDP': udp(Buffer.from('OPTIONS sip:a SIP/2.0\r\n\r\n')),
    'SIP on TCP': tcp(Buffer.from('OPTIONS sip:a SIP/2.0\r\n\r\n')),
    'a clear text after a TLS record': tcp(Buffer.concat([record, Buffer.from('hello, world')])),
  };
  for (const [what, packet] of Object.entries(bad)) {
    check(judgeWire([packet]).offences.length > 0, `${what} did not offend`);
  }
  note(`tone meter within ${Math.abs(tone.levelDb + 20).toFixed(3)} dB; ${Object.keys(bad).length} offences found`);
}

const ENDS = { at: 0, source: '10.0.0.1', sourcePort: 1, destination: '10.0.0.2', destinationPort: 2, sequence: 0 };
