// The ledger of one worker as a file in the state folder, and what the files of all workers say of the past. A file that was
// written before the machine started is discarded: after a crash of the kernel its pages may be of different ages.
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  bootIdBytes,
  formatLedger,
  IndexLedger,
  isLedgerOf,
  LedgerPast,
  ledgerBytes,
  ledgerHeaderBytes,
  ledgerSlotBytes,
} from '../srtp/index-ledger.ts';

const prefix = 'media-ledger-';
const bootIdFile = '/proc/sys/kernel/random/boot_id';

/** Throws where files cannot be read or mapped. `map` gives the first `length` bytes of an open file as memory. */
export function openLedgerFile(
  folder: string,
  worker: number,
  slots: number,
  map: (descriptor: number, length: number) => ArrayBuffer,
): IndexLedger {
  const bootId = readBootId();
  const past = new LedgerPast();
  const path = join(folder, `${prefix}${worker}`);
  const length = ledgerBytes(slots);
  const used = new Set<number>();
  let isUsable = false;
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith(prefix) && !entry.endsWith('.new'))) {
    const isOwn = name === `${prefix}${worker}`;
    const size = readLedger(join(folder, name), bootId, past, (slot) => isOwn && used.add(slot));
    isUsable ||= isOwn && size === length;
  }
  if (!isUsable) {
    replaceFile(path, length, bootId);
    used.clear();
  }
  const descriptor = openSync(path, 'r+');
  try {
    return new IndexLedger(map(descriptor, length), past, used);
  } finally {
    closeSync(descriptor);
  }
}

/** What another worker wrote down until it ended; nothing where it wrote none. */
export function recallLedgerFile(folder: string, ledger: number, past: LedgerPast): void {
  const path = join(folder, `${prefix}${ledger}`);
  if (!existsSync(path)) return;
  readLedger(path, readBootId(), past);
}

/**
 * Adds what a file says; its size, or undefined where it is no ledger of this boot. It is read piece by piece: buffers of whole files would
 * be megabytes that the allocator keeps.
 */
function readLedger(
  path: string,
  bootId: Uint8Array,
  past: LedgerPast,
  onUsed?: (slot: number) => void,
): number | undefined {
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const piece = new Uint8Array(slotsOfPiece * ledgerSlotBytes);
    const header = piece.subarray(0, readSync(descriptor, piece, 0, ledgerHeaderBytes, 0));
    if (!isLedgerOf(header, size, bootId)) return undefined;
    for (let at = ledgerHeaderBytes; at < size; at += piece.length) {
      const first = (at - ledgerHeaderBytes) / ledgerSlotBytes;
      past.add(piece.subarray(0, readSync(descriptor, piece, 0, piece.length, at)), (slot) => onUsed?.(first + slot));
    }
    return size;
  } finally {
    closeSync(descriptor);
  }
}

const slotsOfPiece = 2_048;

/** Never cut in place: somebody may have the old one mapped. */
function replaceFile(path: string, length: number, bootId: Uint8Array): void {
  const bytes = new Uint8Array(length);
  formatLedger(bytes, bootId);
  writeFileSync(`${path}.new`, bytes, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function readBootId(): Uint8Array {
  return Buffer.from(readFileSync(bootIdFile, 'latin1').replaceAll(/[^0-9a-f]/g, ''), 'hex').subarray(0, bootIdBytes);
}
