// What protocol code sees of the memory that packets live in: views and offsets, never an address.

/** One buffer in three views. Offsets count bytes from its start; the buffer neither grows, moves nor is detached. */
export interface PacketMemory {
  readonly bytes: Uint8Array;
  /** Index = offset / 4; the host's byte order. */
  readonly words: Int32Array;
  readonly view: DataView;
}
