// A 440 Hz tone as G.711 packets of 20 ms. 800 samples hold it a whole number of times, so five frames repeat for ever.
import { encodeG711, type G711 } from './g711.ts';

export const sampleRate = 8_000;
export const frameSamples = 160;
export const toneHertz = 440;

/** Half of full scale: loud, and far from clipping. */
const amplitude = 16_000;
const distinctFrames = 5;

/** The frames of the tone, to be sent one after the other and again from the first. */
export function toneFrames(law: G711): readonly Uint8Array[] {
  return Array.from({ length: distinctFrames }, (_, frame) =>
    Uint8Array.from({ length: frameSamples }, (_value, index) => {
      const seconds = (frame * frameSamples + index) / sampleRate;
      return encodeG711(law, Math.round(amplitude * Math.sin(2 * Math.PI * toneHertz * seconds)));
    }),
  );
}
