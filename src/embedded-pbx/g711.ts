// G.711 (ITU-T G.711 §3): one 16-bit sample ↔ one byte, A-law (PCMA, payload type 8) and µ-law (PCMU, payload type 0).

export type G711 = 'PCMA' | 'PCMU';

/** Static payload types (RFC 3551 §6). */
export const g711PayloadTypes: Readonly<Record<G711, number>> = { PCMA: 8, PCMU: 0 };

/** `sample` is a whole number from -32768 to 32767. */
export function encodeG711(law: G711, sample: number): number {
  return law === 'PCMA' ? encodeALaw(sample) : encodeMuLaw(sample);
}

/** The 16-bit sample that a byte stands for. */
export function decodeG711(law: G711, code: number): number {
  return law === 'PCMA' ? decodeALaw(code) : decodeMuLaw(code);
}

/** Even bits are inverted on the line. */
const aLawToggle = 0x55;

function encodeALaw(sample: number): number {
  const sign = sample >= 0 ? 0x80 : 0;
  const magnitude = Math.min(sample >= 0 ? sample : -sample - 1, 0x7fff) >> 4;
  const segment = magnitude < 32 ? (magnitude < 16 ? 0 : 1) : 28 - Math.clz32(magnitude);
  const step = segment < 2 ? magnitude & 0x0f : (magnitude >> (segment - 1)) & 0x0f;
  return (sign | (segment << 4) | step) ^ aLawToggle;
}

function decodeALaw(code: number): number {
  const bits = code ^ aLawToggle;
  const segment = (bits >> 4) & 0x07;
  const step = ((bits & 0x0f) << 4) + 8;
  const magnitude = segment === 0 ? step : (step + 0x100) << (segment - 1);
  return (bits & 0x80) === 0 ? -magnitude : magnitude;
}

/** Added before the segments are found, so that the smallest of them begins at a power of two. */
const muLawBias = 0x84;
const muLawClip = 32_635;

function encodeMuLaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), muLawClip) + muLawBias;
  const segment = 24 - Math.clz32(magnitude);
  return ~(sign | (segment << 4) | ((magnitude >> (segment + 3)) & 0x0f)) & 0xff;
}

function decodeMuLaw(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + muLawBias) << ((bits >> 4) & 0x07)) - muLawBias;
  return (bits & 0x80) === 0 ? magnitude : -magnitude;
}
