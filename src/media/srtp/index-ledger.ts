// The highest packet index of each (key, kind, SSRC), in memory that outlives the process: written before a packet is sent, so
// that whoever goes on with a key knows what was used under it. RFC 3711 §9.1 (no index twice), §3.3.1 (the roll-over counter).
//
//   header, 64 B:  0 magic u32 | 4 version u32 | 8 slots u32 | 12 … | 16 boot id (16 B) | 32 …
//   slot, 32 B:    0 highest index f64 | 8 name of the key (16 B) | 24 SSRC i32 | 28 kind i32, 0: free
//
// The index is one aligned store of eight bytes: a process that is killed leaves the old one or the new one, at a roll-over too.
import type { LedgerEntry } from './index-record.ts';

/** What an index counts. */
export const ledgerKind = { sentRtp: 1, sentRtcp: 2, receivedRtp: 3, receivedRtcp: 4 } as const;
export type LedgerKind = (typeof ledgerKind)[keyof typeof ledgerKind];

export const ledgerHeaderBytes = 64;
export const ledgerSlotBytes = 32;
/** The leading bytes of a key's digest. */
export const keyNameBytes = 16;
export const bootIdBytes = 16;

/** The bytes of a ledger with so many slots. */
export function ledgerBytes(slots: number): number {
  return ledgerHeaderBytes + slots * ledgerSlotBytes;
}

/** True when `sizeBytes` that begin with that header are a whole ledger of this boot: after a crash of the machine its pages may be of different ages. */
export function isLedgerOf(header: Uint8Array, sizeBytes: number, bootId: Uint8Array): boolean {
  if (header.length < ledgerHeaderBytes) return false;
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (view.getUint32(0, true) !== magic || view.getUint32(4, true) !== version) return false;
  if (sizeBytes !== ledgerBytes(view.getUint32(8, true))) return false;
  return Buffer.compare(header.subarray(16, 16 + bootIdBytes), bootId) === 0;
}

/** An empty ledger in the bytes, which are overwritten; their length says how many slots. */
export function formatLedger(bytes: Uint8Array, bootId: Uint8Array): void {
  bytes.fill(0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint32(4, version, true);
  view.setUint32(8, Math.floor((bytes.length - ledgerHeaderBytes) / ledgerSlotBytes), true);
  bytes.set(bootId.subarray(0, bootIdBytes), 16);
  view.setUint32(0, magic, true);
}

/** What earlier workers wrote down, by key. */
export class LedgerPast {
  readonly #entries = new Map<string, Map<number, number>>();

  /** Takes in slots of a ledger; their bytes are not kept. `onUsed` is told of each that is not free, as of the first of these. */
  add(bytes: Uint8Array, onUsed: (slot: number) => void = () => {}): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at + ledgerSlotBytes <= bytes.length; at += ledgerSlotBytes) {
      // Most slots are free; all of them are looked at while nothing is relayed.
      if (bytes[at + kindAt] === 0) continue;
      onUsed(at / ledgerSlotBytes);
      const kind = view.getInt32(at + kindAt, true);
      const id = idOf(bytes.subarray(at + nameAt, at + nameAt + keyNameBytes), kind);
      const known = this.#entries.get(id) ?? new Map<number, number>();
      const ssrc = view.getInt32(at + ssrcAt, true);
      known.set(ssrc, Math.max(known.get(ssrc) ?? -1, view.getFloat64(at, true)));
      this.#entries.set(id, known);
    }
  }

  entries(name: Uint8Array, kind: LedgerKind): readonly LedgerEntry[] {
    return [...(this.#entries.get(idOf(name, kind)) ?? [])].map(([ssrc, highest]) => ({ ssrc, highest }));
  }
}

/** Where an index of a context stands in the ledger; -1: nowhere yet. */
export interface Marked {
  mark: number;
}

export class IndexLedger {
  readonly past: LedgerPast;
  /** The slot that says nothing. */
  readonly sink: number;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  /** Slots without an owner, the ones to take first at the end; those of the past are taken when no others are left. */
  readonly #free: Int32Array;
  #freeCount: number;
  #isKept = false;

  /**
   * Over a formatted ledger, whose slots belong to the past; `buffer` stays mapped while this lives. `used`: the slots that are not free,
   * for whoever has read them already: a page that is not looked at here is not in memory before a call needs it.
   */
  constructor(buffer: ArrayBuffer, past: LedgerPast, used: ReadonlySet<number> = usedSlots(buffer)) {
    this.past = past;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#doubles = new Float64Array(buffer);
    const slots = Math.floor((buffer.byteLength - ledgerHeaderBytes) / ledgerSlotBytes);
    // The last slot is nobody's: what finds no place writes there, and nobody reads it.
    this.sink = Math.max(0, slots - 1);
    this.#free = new Int32Array(this.sink);
    this.#freeCount = this.sink;
    // A start waits for this, and there are tens of thousands: no array of them beside the one that stays.
    let pastCount = 0;
    for (let slot = 0; slot < this.sink; slot += 1) {
      const isPast = used.has(slot);
      this.#free[isPast ? pastCount : this.sink - 1 - (slot - pastCount)] = slot;
      if (isPast) pastCount += 1;
    }
  }

  get freeSlots(): number {
    return this.#freeCount;
  }

  /** A slot for an index that was `highest` (-1: none yet); `sink` when there is none. */
  claim(name: Uint8Array, kind: LedgerKind, ssrc: number, highest: number): number {
    if (this.#freeCount === 0) return this.sink;
    this.#freeCount -= 1;
    const slot = this.#free[this.#freeCount] ?? this.sink;
    const word = wordOf(slot);
    // Free while it is half written.
    Atomics.store(this.#words, word + kindWord, 0);
    this.#bytes.set(name.subarray(0, keyNameBytes), 4 * word + nameAt);
    this.#words[word + ssrcWord] = ssrc;
    this.#doubles[word >> 1] = highest;
    Atomics.store(this.#words, word + kindWord, kind);
    return slot;
  }

  /** Once a packet: one store. */
  store(slot: number, highest: number): void {
    this.#doubles[wordOf(slot) >> 1] = highest;
  }

  /** Reads where `store` will write. */
  preload(slot: number): number {
    return this.#words[wordOf(slot)] ?? 0;
  }

  /** The key is no longer used. */
  release(slot: number): void {
    if (slot < 0 || slot >= this.sink || this.#isKept) return;
    Atomics.store(this.#words, wordOf(slot) + kindWord, 0);
    this.#free[this.#freeCount] = slot;
    this.#freeCount += 1;
  }

  /** From now on everything stays as it is: contexts are closed because the process ends, and their keys may go on elsewhere. */
  keep(): void {
    this.#isKept = true;
  }
}

/** The ledger as the contexts of one key see it. */
export class KeyLedger {
  readonly #ledger: IndexLedger;
  readonly #name: Uint8Array;

  /** `digest` of the master key, of which the leading bytes are its name. */
  constructor(ledger: IndexLedger, digest: Uint8Array) {
    this.#ledger = ledger;
    this.#name = digest.slice(0, keyNameBytes);
  }

  /** Writes down an index before its packet leaves. */
  note(position: Marked, kind: LedgerKind, ssrc: number, highest: number): void {
    if (position.mark >= 0) this.#ledger.store(position.mark, highest);
    else position.mark = this.#ledger.claim(this.#name, kind, ssrc, highest);
  }

  /** Reads where `note` will write; of a mark below 0, what leads there. */
  preload(mark: number): number {
    return mark < 0 ? this.#name.length : this.#ledger.preload(mark);
  }

  /** False for a position that found no place. */
  isNoted({ mark }: Marked): boolean {
    return mark >= 0 && mark !== this.#ledger.sink;
  }

  forget(position: Marked): void {
    this.#ledger.release(position.mark);
    position.mark = -1;
  }

  /** What earlier processes had written down under this key. */
  past(kind: LedgerKind): readonly LedgerEntry[] {
    return this.#ledger.past.entries(this.#name, kind);
  }
}

const magic = 0x4c_44_49_50;
const version = 1;
const nameAt = 8;
const ssrcAt = 24;
const kindAt = 28;
const ssrcWord = ssrcAt >> 2;
const kindWord = kindAt >> 2;

function usedSlots(buffer: ArrayBuffer): ReadonlySet<number> {
  const used = new Set<number>();
  new LedgerPast().add(new Uint8Array(buffer).subarray(ledgerHeaderBytes), (slot) => used.add(slot));
  return used;
}

function wordOf(slot: number): number {
  return (ledgerHeaderBytes + slot * ledgerSlotBytes) >> 2;
}

function idOf(name: Uint8Array, kind: number): string {
  return `${kind}${Buffer.from(name.buffer, name.byteOffset, keyNameBytes).toString('hex')}`;
}
