// The ledger of one worker as a file in the state folder, and what the files of all workers say of the past. A file that was
// written before the machine started is discarded: after a crash of the kernel its pages may be of different ages.
import { closeSync, existsSync, openSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootIdBytes, formatLedger, IndexLedger, isLedgerOf, LedgerPast, ledgerBytes } from '../srtp/index-ledger.ts';

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
  let isUsable = false;
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith(prefix) && !entry.endsWith('.new'))) {
    const bytes = readFileSync(join(folder, name));
    if (!isLedgerOf(bytes, bootId)) continue;
    past.add(bytes);
    isUsable ||= name === `${prefix}${worker}` && bytes.length === length;
  }
  if (!isUsable) replaceFile(path, length, bootId);
  const descriptor = openSync(path, 'r+');
  try {
    return new IndexLedger(map(descriptor, length), past);
  } finally {
    closeSync(descriptor);
  }
}

/** What another worker wrote down until it ended; nothing where it wrote none. */
export function recallLedgerFile(folder: string, ledger: number, past: LedgerPast): void {
  const path = join(folder, `${prefix}${ledger}`);
  if (!existsSync(path)) return;
  const bytes = readFileSync(path);
  if (isLedgerOf(bytes, readBootId())) past.add(bytes);
}

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
