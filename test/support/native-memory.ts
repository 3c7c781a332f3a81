// What the allocator of the C library has given out, and what it keeps: tells growth that is held from pages that are free and not
// given back.
import koffi from 'koffi';

export interface NativeMemory {
  /** Bytes in use: of V8's buffers, OpenSSL, SQLite. */
  readonly usedBytes: number;
  /** Bytes that were freed and that the allocator keeps. */
  readonly keptBytes: number;
}

/** glibc's mallinfo2: ten sizes, of all arenas together. */
const fields = [
  'arena',
  'ordblks',
  'smblks',
  'hblks',
  'hblkhd',
  'usmblks',
  'fsmblks',
  'uordblks',
  'fordblks',
  'keepcost',
];

/** Answers undefined where the C library has no such account. */
export function nativeMemoryReader(): () => NativeMemory | undefined {
  const info = koffi.struct(Object.fromEntries(fields.map((name) => [name, 'size_t'])));
  let read: (() => unknown) | undefined;
  try {
    read = koffi.load('libc.so.6').func('mallinfo2', info, []);
  } catch {
    return () => undefined;
  }
  return () => {
    const told = read();
    if (typeof told !== 'object' || told === null || !('uordblks' in told) || !('fordblks' in told)) return undefined;
    return { usedBytes: Number(told.uordblks), keptBytes: Number(told.fordblks) };
  };
}
