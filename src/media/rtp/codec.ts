// What is known of the codecs of telephony: how much they send at most, and what they do to speech by themselves and under loss.
// RFC 3551 §4.5 and the RFCs of each payload format (rates, frames); ITU-T G.113 Appendix I (impairment and robustness).
import type { Millis } from '../../core/clock.ts';
import { type CodecQuality, g711Quality } from './quality.ts';

export interface Codec {
  /** Of its payload, at its highest mode. */
  readonly bitsPerSecond: number;
  /** The shortest packets that are of any use. */
  readonly shortestPacket: Millis;
  /** Undefined where it is not speech, or on a scale of its own (wideband) that narrowband values of G.113 do not reach. */
  readonly quality: CodecQuality | undefined;
}

/**
 * `name/clock/channels` in lower case, as SDP has it; undefined for one that is not known here. G.113 has values for narrowband
 * codecs only, and of some of them it gives the impairment without the robustness.
 */
export function codecOf(name: string): Codec | undefined {
  const [encoding = '', clock = '', channels = '1'] = name.split('/');
  if (encoding === 'l16') return { ...pcm, bitsPerSecond: 16 * Number(clock) * Number(channels) };
  return codecs.get(`${encoding}/${clock}`) ?? codecs.get(encoding);
}

/** Formats beside a codec that make its stream larger: how many times. */
export function growthOf(name: string): number {
  return growing.get(name.split('/', 1)[0] ?? '') ?? 1;
}

/** Events and comfort noise: nothing that a codec would not send more of. */
export function isQuiet(name: string): boolean {
  return quiet.has(name.split('/', 1)[0] ?? '');
}

const codec = (bitsPerSecond: number, shortestPacket: Millis, quality?: CodecQuality): Codec => ({
  bitsPerSecond,
  shortestPacket,
  quality,
});

/** The least robustness that G.113 gives to a codec with concealment (GSM-EFR), where it gives none. */
const unlistedRobustness = 10;
const impaired = (impairment: number, lossRobustness = unlistedRobustness): CodecQuality => ({
  impairment,
  lossRobustness,
});

const pcm = codec(64_000, 10);
const adpcm = (kilobits: number, impairment: number): Codec => codec(kilobits * 1_000, 10, impaired(impairment));

const codecs: ReadonlyMap<string, Codec> = new Map([
  ['pcmu', codec(64_000, 10, g711Quality)],
  ['pcma', codec(64_000, 10, g711Quality)],
  // The wire does not tell the annexes: the values are those of G.729A with VAD.
  ['g729', codec(8_000, 10, impaired(11, 19))],
  ['g723', codec(6_400, 30, impaired(15, 16.1))],
  ['gsm', codec(13_200, 20, impaired(20))],
  ['gsm-efr', codec(12_400, 20, impaired(5, 10))],
  // Its highest mode is GSM-EFR.
  ['amr', codec(13_600, 20, impaired(5, 10))],
  ['g728', codec(16_000, 10, impaired(7))],
  ['g726-40', adpcm(40, 2)],
  ['g726-32', adpcm(32, 7)],
  ['g726-24', adpcm(24, 25)],
  ['g726-16', adpcm(16, 50)],
  ['aal2-g726-40', adpcm(40, 2)],
  ['aal2-g726-32', adpcm(32, 7)],
  ['aal2-g726-24', adpcm(24, 25)],
  ['aal2-g726-16', adpcm(16, 50)],
  ['ilbc', codec(15_200, 20)],
  ['speex/8000', codec(24_600, 20)],
  ['speex/16000', codec(42_200, 20)],
  ['speex/32000', codec(44_200, 20)],
  ['g722', codec(64_000, 10)],
  ['g7221', codec(48_000, 20)],
  ['amr-wb', codec(24_800, 20)],
  ['evs', codec(128_000, 20)],
  ['opus', codec(510_000, 2.5)],
]);

/** RFC 2198, RFC 5109, RFC 4588. */
const growing: ReadonlyMap<string, number> = new Map([
  ['red', 2],
  ['ulpfec', 2],
  ['parityfec', 2],
  ['rtx', 2],
]);
const quiet: ReadonlySet<string> = new Set(['telephone-event', 'cn']);
