// The test tone: writes a WAV of a 440 Hz sine and measures how much of it, how loud and how unbroken, a recording holds.
// Levels are RMS decibels relative to full scale (a full-scale sine is -3.0 dB).
import { readFileSync, writeFileSync } from 'node:fs';

const TONE_HZ = 440;
const SAMPLE_RATE = 8_000;
const FRAME = 160; // 20 ms
/** A frame counts as tone when the tone carries most of its energy and it is not far below the median. */
const PRESENT_SHARE = 0.7;
const PRESENT_BELOW_MEDIAN_DB = 6;

export interface Recording {
  readonly sampleRate: number;
  /** Samples of the first channel, -1 to 1. */
  readonly samples: Float64Array;
}

export interface ToneReport {
  /** Level of the tone in the frames that hold it, or -Infinity. */
  readonly levelDb: number;
  /** Seconds of tone in all. */
  readonly seconds: number;
  /** The longest break between the first and the last frame of tone. */
  readonly longestGapMs: number;
}

/** Writes a mono 16-bit WAV with the tone at `levelDb`. */
export function writeToneWav(path: string, seconds: number, levelDb = -12, hertz = TONE_HZ): void {
  const count = Math.round(seconds * SAMPLE_RATE);
  const peak = Math.SQRT2 * 10 ** (levelDb / 20) * 32_767;
  const data = Buffer.alloc(44 + count * 2);
  data.write('RIFF', 0, 'latin1');
  data.writeUInt32LE(36 + count * 2, 4);
  data.write('WAVEfmt ', 8, 'latin1');
  data.writeUInt32LE(16, 16);
  data.writeUInt16LE(1, 20); // PCM
  data.writeUInt16LE(1, 22);
  data.writeUInt32LE(SAMPLE_RATE, 24);
  data.writeUInt32LE(SAMPLE_RATE * 2, 28);
  data.writeUInt16LE(2, 32);
  data.writeUInt16LE(16, 34);
  data.write('data', 36, 'latin1');
  data.writeUInt32LE(count * 2, 40);
  for (let index = 0; index < count; index += 1) {
    data.writeInt16LE(Math.round(peak * Math.sin((2 * Math.PI * hertz * index) / SAMPLE_RATE)), 44 + index * 2);
  }
  writeFileSync(path, data);
}

/** Reads a 16-bit PCM WAV. A recorder that was stopped early leaves lengths of zero: the file's own end then counts. */
export function readWav(path: string): Recording {
  const data = readFileSync(path);
  if (data.toString('latin1', 0, 4) !== 'RIFF' || data.toString('latin1', 8, 12) !== 'WAVE') {
    throw new Error(`${path} is no WAV file (${data.length} B)`);
  }
  let sampleRate = 0;
  let channels = 1;
  for (let at = 12; at + 8 <= data.length; ) {
    const kind = data.toString('latin1', at, at + 4);
    const size = data.readUInt32LE(at + 4);
    if (kind === 'fmt ') {
      if (data.readUInt16LE(at + 22) !== 16) throw new Error(`${path}: expected 16-bit samples`);
      channels = data.readUInt16LE(at + 10);
      sampleRate = data.readUInt32LE(at + 12);
    } else if (kind === 'data') {
      const end = size === 0 ? data.length : Math.min(data.length, at + 8 + size);
      const count = Math.floor((end - at - 8) / (2 * channels));
      const samples = Float64Array.from({ length: count }, (_, index) => {
        return data.readInt16LE(at + 8 + index * 2 * channels) / 32_768;
      });
      return { sampleRate, samples };
    }
    at += 8 + size + (size % 2);
  }
  throw new Error(`${path} has no samples`);
}

/** Measures the tone frame by frame (a sine fitted to every 20 ms). */
export function measureTone(recording: Recording, hertz = TONE_HZ): ToneReport {
  const { samples, sampleRate } = recording;
  const frame = Math.round((FRAME * sampleRate) / SAMPLE_RATE);
  const levels: { share: number; db: number }[] = [];
  for (let start = 0; start + frame <= samples.length; start += frame) {
    levels.push(toneOf(samples.subarray(start, start + frame), hertz, sampleRate));
  }
  const tonal = levels.filter(({ share }) => share >= PRESENT_SHARE).map(({ db }) => db);
  const median = tonal.sort((a, b) => a - b)[Math.floor(tonal.length / 2)];
  if (median === undefined) return { levelDb: Number.NEGATIVE_INFINITY, seconds: 0, longestGapMs: 0 };
  let seconds = 0;
  let gap = 0;
  let longestGapMs = 0;
  for (const { share, db } of levels) {
    if (share >= PRESENT_SHARE && db >= median - PRESENT_BELOW_MEDIAN_DB) {
      if (seconds > 0) longestGapMs = Math.max(longestGapMs, gap);
      gap = 0;
      seconds += frame / sampleRate;
    } else gap += (frame * 1_000) / sampleRate;
  }
  return { levelDb: median, seconds, longestGapMs };
}

/** Share of the frame's energy that the tone carries, and the tone's level. */
function toneOf(frame: Float64Array, hertz: number, sampleRate: number): { share: number; db: number } {
  // A least-squares fit of a sine and a cosine: exact at any frequency, where a plain Goertzel bin leaks.
  const step = (2 * Math.PI * hertz) / sampleRate;
  let [ss, cc, sc, xs, xc, energy] = [0, 0, 0, 0, 0, 0];
  for (const [index, sample] of frame.entries()) {
    const s = Math.sin(step * index);
    const c = Math.cos(step * index);
    ss += s * s;
    cc += c * c;
    sc += s * c;
    xs += sample * s;
    xc += sample * c;
    energy += sample * sample;
  }
  const determinant = ss * cc - sc * sc;
  if (energy < 1e-9 || determinant === 0) return { share: 0, db: Number.NEGATIVE_INFINITY };
  const a = (xs * cc - xc * sc) / determinant;
  const b = (xc * ss - xs * sc) / determinant;
  const fitted = a * xs + b * xc;
  return { share: fitted / energy, db: 10 * Math.log10(Math.max(fitted, 1e-12) / frame.length) };
}
