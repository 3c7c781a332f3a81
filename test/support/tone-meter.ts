// How loud a tone is in what was received, and how much of the sound it makes up (the Goertzel sum at one frequency).

export interface ToneLevel {
  /** Against a full-scale sine, which is 0; -Infinity when nothing came. */
  readonly decibels: number;
  /** The tone's part of all energy, 0 to 1. */
  readonly share: number;
}

export class ToneMeter {
  readonly #step: number;
  #frames = 0;
  #amplitude = 0;
  #toneEnergy = 0;
  #energy = 0;

  constructor(hertz: number, sampleRate: number) {
    this.#step = (2 * Math.PI * hertz) / sampleRate;
  }

  /** 16-bit samples of one packet. */
  add(samples: readonly number[]): void {
    let real = 0;
    let imaginary = 0;
    let energy = 0;
    for (const [index, sample] of samples.entries()) {
      real += sample * Math.cos(this.#step * index);
      imaginary += sample * Math.sin(this.#step * index);
      energy += sample * sample;
    }
    if (samples.length === 0) return;
    const amplitude = (2 * Math.hypot(real, imaginary)) / samples.length;
    this.#frames += 1;
    this.#amplitude += amplitude;
    this.#toneEnergy += (amplitude * amplitude * samples.length) / 2;
    this.#energy += energy;
  }

  get level(): ToneLevel {
    if (this.#frames === 0 || this.#energy === 0) return { decibels: -Infinity, share: 0 };
    const mean = this.#amplitude / this.#frames;
    return { decibels: 20 * Math.log10(mean / 32_768), share: Math.min(1, this.#toneEnergy / this.#energy) };
  }
}
