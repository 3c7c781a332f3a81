// What an endpoint does with the seven bits of the payload type: rename them for the other side, know their clock and their codec.
// RFC 3551 §6 (static types and their clock rates), RFC 3264 §6.1 (each side numbers dynamic types itself).
import type { EndpointRemote } from '../plane/messages.ts';
import { codecOf, growthOf, isQuiet } from '../rtp/codec.ts';
import { type CodecQuality, g711Quality } from '../rtp/quality.ts';

const payloadTypeCount = 128;

/** 44100 Hz for the two L16 types, 90 kHz for static video, else 8 kHz; 0 for the dynamic and unassigned ones. */
const staticClockRate = (type: number): number => {
  if (type === 10 || type === 11) return 44_100;
  if (type === 6) return 16_000;
  if (type === 16) return 11_025;
  if (type === 17) return 22_050;
  if (type === 14 || (type >= 25 && type <= 34)) return 90_000;
  return type <= 18 ? 8_000 : 0;
};

/** Shared by all endpoints that change nothing of them: each table is memory of its own, outside of V8's heap. */
const sameTypes = Uint8Array.from({ length: payloadTypeCount }, (_, type) => type);
const staticClockRates = Int32Array.from({ length: payloadTypeCount }, (_, type) => staticClockRate(type));

/** What a peer speaks with. */
export interface HeardCodec {
  /** `pcma/8000`, or with channels where there are more than one. */
  readonly name: string;
  readonly quality: CodecQuality;
}

export class PayloadTypes {
  readonly #renamed: Uint8Array | Int32Array;
  readonly #clockRates: Uint8Array | Int32Array;
  readonly #codecs: ReadonlyMap<number, HeardCodec>;
  readonly isIdentity: boolean;

  /** Pairs with a number outside 0–127 are ignored. */
  constructor(
    renamed: readonly (readonly [from: number, to: number])[],
    clockRates: readonly (readonly [payloadType: number, hertz: number])[],
    codecs: readonly (readonly [payloadType: number, name: string])[] = [],
  ) {
    this.#codecs = new Map(codecs.flatMap(([type, name]) => heardCodec(type, name)));
    this.#renamed = withPairs(
      sameTypes,
      renamed.filter(([, to]) => isPayloadType(to)),
    );
    this.#clockRates = withPairs(staticClockRates, clockRates);
    this.isIdentity = this.#renamed === sameTypes;
  }

  /** The second byte of an RTP header (marker and type) as it leaves. */
  rename(markerAndType: number): number {
    return (markerAndType & 0x80) | (this.#renamed[markerAndType & 0x7f] ?? 0);
  }

  /** In Hz; 0 when unknown. */
  clockRate(payloadType: number): number {
    return this.#clockRates[payloadType] ?? 0;
  }

  /** Undefined for events, comfort noise, redundancy, and numbers of which nobody said anything. */
  codec(payloadType: number): HeardCodec | undefined {
    return this.#codecs.get(payloadType);
  }
}

/** `table` itself, where the pairs say nothing else. */
function withPairs(
  table: Uint8Array | Int32Array,
  pairs: readonly (readonly [type: number, value: number])[],
): Uint8Array | Int32Array {
  const changes = pairs.filter(([type, value]) => isPayloadType(type) && table[type] !== value);
  if (changes.length === 0) return table;
  const changed = table.slice();
  for (const [type, value] of changes) changed[type] = value;
  return changed;
}

function isPayloadType(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < payloadTypeCount;
}

/** A codec that G.113 has no value for is rated like G.711: what remains is what the network did to it. */
function heardCodec(type: number, name: string): readonly (readonly [number, HeardCodec])[] {
  if (isQuiet(name) || growthOf(name) > 1) return [];
  return [[type, codecNamed(name.replace(/\/1$/, ''))]];
}

/** As `HeardCodec.name` has it. */
export function codecNamed(name: string): HeardCodec {
  return { name, quality: codecOf(name)?.quality ?? g711Quality };
}

export const noPayloadTypes = new PayloadTypes([], []);

export function payloadTypesOf({ payloadTypes, clockRates = [], codecs = [] }: EndpointRemote): PayloadTypes {
  if (payloadTypes.length + clockRates.length + codecs.length === 0) return noPayloadTypes;
  const name = JSON.stringify([payloadTypes, clockRates, codecs]);
  const known = madeBefore.get(name);
  if (known !== undefined) return known;
  const made = new PayloadTypes(payloadTypes, clockRates, codecs);
  if (madeBefore.size >= mostKept) madeBefore.clear();
  madeBefore.set(name, made);
  return made;
}

/** Most calls agree on the same as others: what was made of that changes no more, and serves all of them. */
const madeBefore = new Map<string, PayloadTypes>();
const mostKept = 64;
