// What a case asks of a conversation: that each side heard the other's tone, at the level that it was played.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Baresip, PLAYED_DB } from './baresip.ts';
import { eventually } from './peer-process.ts';
import { measureTone, readWav, type ToneReport } from './tone.ts';

/** G.711 adds some tenths of a decibel. */
const LEVEL_TOLERANCE_DB = 1;
const GAP_LIMIT_MS = 200;

/** Real time passes: people talk. */
export function pause(millis: number): Promise<void> {
  return sleep(millis);
}

/** Checks what the phone heard in its call number `call`, which has ended, and answers the measurement as a line. */
export async function expectTone(phone: Baresip, who: string, seconds = 2, call = 0): Promise<string> {
  const path = await eventually(`${who}'s recording`, 3_000, () => phone.heard()[call]);
  return judgeTone(measureTone(readWav(path)), who, seconds);
}

/** Checks a measured tone, and answers the measurement as a line. */
export function judgeTone(tone: ToneReport, who: string, seconds = 2): string {
  const line = `${who} heard ${tone.seconds.toFixed(1)} s at ${tone.levelDb.toFixed(1)} dB (played ${PLAYED_DB} dB), longest gap ${tone.longestGapMs} ms`;
  if (tone.seconds < seconds) throw new Error(`${line}; expected ${seconds} s`);
  if (Math.abs(tone.levelDb - PLAYED_DB) > LEVEL_TOLERANCE_DB) throw new Error(`${line}; the level changed`);
  if (tone.longestGapMs > GAP_LIMIT_MS) throw new Error(`${line}; the tone is broken`);
  return line;
}
