// One io_uring by raw system calls: set-up, the submission and completion rings as word views, registered files. What the
// entries mean is the caller's business. The ring belongs to the thread that created it (SINGLE_ISSUER, DEFER_TASKRUN):
// the kernel touches memory of ours only inside `submit`, never behind our back.
import { SbcError } from '../../core/errors.ts';
import type { Arena } from './arena.ts';
import {
  CANCEL_ALL,
  CANCEL_ANY,
  cqeBytes,
  ENTER_EXT_ARG,
  ENTER_GETEVENTS,
  FEATURE_EXT_ARG,
  FEATURE_NODROP,
  FEATURE_SINGLE_MMAP,
  filesUpdateBytes,
  MMAP_OFFSET_RINGS,
  MMAP_OFFSET_SQES,
  parameters,
  parametersBytes,
  REGISTER_FILES_UPDATE,
  REGISTER_FILES2,
  REGISTER_SYNC_CANCEL,
  RSRC_REGISTER_SPARSE,
  resourceRegistrationBytes,
  SETUP_CQSIZE,
  SETUP_DEFER_TASKRUN,
  SETUP_NO_SQARRAY,
  SETUP_SINGLE_ISSUER,
  SETUP_SUBMIT_ALL,
  sqeBytes,
  sqeWords,
  syncCancelBytes,
  timespecBytes,
  UNREGISTER_FILES,
  waitArgumentBytes,
} from './io-uring-abi.ts';
import { type Libc, viewMemory } from './libc.ts';
import { EINVAL, errnoName, MAP_SHARED_POPULATE, PROT_READ_WRITE } from './linux-abi.ts';

/** The kernel has no io_uring for us, or not all that we need of it; the message is the probe's reason. */
export class IoUringError extends SbcError {}

export interface IoUringSize {
  /** Powers of two. */
  readonly submissionEntries: number;
  readonly completionEntries: number;
  /** Slots of the registered file table. At most the descriptor limit. */
  readonly files: number;
}

export class IoUring {
  /** Submission entries, `sqeWords` words each. */
  entries: Int32Array;
  /** The ring area: heads, tails and completions. Completion n starts at `completionWord + 4 * (n & completionMask)`. */
  rings: Int32Array;
  readonly completionWord: number;
  readonly completionMask: number;
  readonly fd: number;
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #sqHeadWord: number;
  readonly #sqTailWord: number;
  readonly #cqHeadWord: number;
  readonly #cqTailWord: number;
  readonly #sqCapacity: number;
  readonly #sqMask: number;
  readonly #waitArgument: number;
  readonly #waitArgumentAddress: number;
  readonly #waitNanosecondsWord: number;
  readonly #filesUpdate: number;
  readonly #syncCancel: number;
  readonly #mappings: readonly MappedView[];
  #tail = 0;
  #unsubmitted = 0;

  /** Throws `IoUringError` where the kernel refuses. */
  constructor(libc: Libc, arena: Arena, size: IoUringSize) {
    this.#libc = libc;
    this.#arena = arena;
    const setup = arena.allocate(parametersBytes, 8);
    const { fd, hasArray } = create(libc, arena, setup, size);
    this.fd = fd;
    const field = (at: number): number => arena.view.getUint32(setup + at, true);
    const features = field(parameters.featuresAt);
    if ((features & neededFeatures) !== neededFeatures) {
      libc.close(fd);
      throw new IoUringError('io-uring-features', `kernel features 0x${features.toString(16)} are not enough`);
    }
    this.#sqCapacity = field(parameters.sqEntriesAt);
    this.#sqMask = this.#sqCapacity - 1;
    this.#sqHeadWord = field(parameters.sqHeadAt) >> 2;
    this.#sqTailWord = field(parameters.sqTailAt) >> 2;
    this.#cqHeadWord = field(parameters.cqHeadAt) >> 2;
    this.#cqTailWord = field(parameters.cqTailAt) >> 2;
    this.completionWord = field(parameters.cqEntriesArrayAt) >> 2;
    this.completionMask = field(parameters.cqEntriesAt) - 1;
    const completionsEnd = field(parameters.cqEntriesArrayAt) + field(parameters.cqEntriesAt) * cqeBytes;
    const arrayEnd = hasArray ? field(parameters.sqArrayAt) + this.#sqCapacity * 4 : 0;
    const rings = map(libc, fd, Math.max(completionsEnd, arrayEnd), MMAP_OFFSET_RINGS);
    const entries = map(libc, fd, this.#sqCapacity * sqeBytes, MMAP_OFFSET_SQES);
    this.#mappings = [rings, entries];
    this.rings = new Int32Array(rings.buffer);
    this.entries = new Int32Array(entries.buffer);
    if (hasArray) fillIdentity(this.rings, field(parameters.sqArrayAt) >> 2, this.#sqCapacity);
    this.#waitArgument = arena.allocate(waitArgumentBytes + timespecBytes, 8);
    this.#waitArgumentAddress = arena.address(this.#waitArgument, waitArgumentBytes + timespecBytes);
    this.#waitNanosecondsWord = (this.#waitArgument + waitArgumentBytes + 8) >> 2;
    const timespec = this.#waitArgument + waitArgumentBytes;
    arena.putAddress(arena.words, (this.#waitArgument + 16) >> 2, timespec, timespecBytes);
    this.#filesUpdate = arena.allocate(filesUpdateBytes + 4, 8);
    this.#syncCancel = arena.allocate(syncCancelBytes, 8);
    this.#registerFileTable(size.files);
    this.#tail = this.rings[this.#sqTailWord] ?? 0;
  }

  /** Where its rings are mapped, for whoever must unmap them should this thread end without `dispose`. */
  get mappings(): readonly { readonly address: number; readonly length: number }[] {
    return this.#mappings;
  }

  /** Entries that were taken and are not submitted yet. */
  get unsubmitted(): number {
    return this.#unsubmitted;
  }

  /**
   * The index in `entries` of the next free entry, whose words 10 and 12 to 15 are and must stay 0. Submits by itself when the ring
   * is full; -1 when even that makes no room (the kernel is out of memory for requests).
   */
  nextEntry(): number {
    if (this.#unsubmitted >= this.#sqCapacity) {
      this.submit(0, 0);
      if (this.#unsubmitted >= this.#sqCapacity) return -1;
    }
    const index = (this.#tail & this.#sqMask) * sqeWords;
    this.#tail = (this.#tail + 1) | 0;
    this.#unsubmitted += 1;
    return index;
  }

  /**
   * Submits everything and runs the kernel's deferred work; waits up to `timeoutNanoseconds` (below a second) until `minComplete`
   * completions are there. 0, or minus the errno; entries that were not taken stay for the next time.
   */
  submit(minComplete: number, timeoutNanoseconds: number): number {
    Atomics.store(this.rings, this.#sqTailWord, this.#tail);
    this.#arena.words[this.#waitNanosecondsWord] = timeoutNanoseconds;
    const flags = minComplete > 0 ? ENTER_GETEVENTS | ENTER_EXT_ARG : ENTER_GETEVENTS;
    const argument = minComplete > 0 ? this.#waitArgumentAddress : 0;
    const size = minComplete > 0 ? waitArgumentBytes : 0;
    const result = this.#libc.ioUringEnter(this.fd, this.#unsubmitted, minComplete, flags, argument, size);
    const head = Atomics.load(this.rings, this.#sqHeadWord);
    this.#unsubmitted = (this.#tail - head) | 0;
    return result < 0 ? -this.#libc.errno() : 0;
  }

  get completionHead(): number {
    return this.rings[this.#cqHeadWord] ?? 0;
  }

  get completionTail(): number {
    return Atomics.load(this.rings, this.#cqTailWord);
  }

  /** Tells the kernel that completions before `head` were read. */
  consume(head: number): void {
    Atomics.store(this.rings, this.#cqHeadWord, head);
  }

  /** Puts a descriptor into the registered table, or empties the place with -1. 0, or minus the errno. */
  setFile(index: number, fd: number): number {
    const at = this.#filesUpdate;
    const { view, words } = this.#arena;
    view.setUint32(at, index, true);
    view.setInt32(at + filesUpdateBytes, fd, true);
    this.#arena.putAddress(words, (at + 8) >> 2, at + filesUpdateBytes, 4);
    return this.register(REGISTER_FILES_UPDATE, at, filesUpdateBytes, 1);
  }

  /** io_uring_register with an argument in the arena. 0 or more, or minus the errno. */
  register(operation: number, offset: number, sizeBytes: number, count: number): number {
    const argument = this.#arena.address(offset, sizeBytes);
    const result = this.#libc.ioUringRegister(this.fd, operation, argument, count);
    return result < 0 ? -this.#libc.errno() : result;
  }

  /** Ends every request that is in flight; their completions follow. */
  cancelAll(): void {
    const { bytes, view } = this.#arena;
    const at = this.#syncCancel;
    bytes.fill(0, at, at + syncCancelBytes);
    view.setInt32(at + 8, -1, true);
    view.setUint32(at + 12, CANCEL_ALL | CANCEL_ANY, true);
    view.setBigInt64(at + 16, -1n, true);
    view.setBigInt64(at + 24, -1n, true);
    this.register(REGISTER_SYNC_CANCEL, at, syncCancelBytes, 1);
  }

  /** Lets go of every registered descriptor, so that closing them frees their ports at once. */
  forgetFiles(): void {
    this.#libc.ioUringRegister(this.fd, UNREGISTER_FILES, 0, 0);
  }

  /** Closes the ring and unmaps it. The views are detached first, so that a late reader gets nothing instead of a fault. */
  dispose(): void {
    this.#libc.close(this.fd);
    this.rings = new Int32Array(0);
    this.entries = new Int32Array(0);
    for (const { buffer, address, length } of this.#mappings) {
      buffer.transfer(0);
      this.#libc.munmap(address, length);
    }
  }

  #registerFileTable(files: number): void {
    const at = this.#arena.allocate(resourceRegistrationBytes, 8);
    this.#arena.view.setUint32(at, files, true);
    this.#arena.view.setUint32(at + 4, RSRC_REGISTER_SPARSE, true);
    const result = this.register(REGISTER_FILES2, at, resourceRegistrationBytes, resourceRegistrationBytes);
    if (result >= 0) return;
    this.dispose();
    throw new IoUringError('io-uring-files', `a table of ${files} files is refused: ${errnoName(-result)}`);
  }
}

const neededFeatures = FEATURE_SINGLE_MMAP | FEATURE_NODROP | FEATURE_EXT_ARG;
const neededFlags = SETUP_CQSIZE | SETUP_SUBMIT_ALL | SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN;

interface MappedView {
  readonly buffer: ArrayBuffer;
  readonly address: number;
  readonly length: number;
}

/** Linux 6.6 can do without the array between the ring and its entries; 6.1 is the oldest that has the rest. */
function create(libc: Libc, arena: Arena, setup: number, size: IoUringSize): { fd: number; hasArray: boolean } {
  for (const hasArray of [false, true]) {
    arena.bytes.fill(0, setup, setup + parametersBytes);
    arena.view.setUint32(setup + parameters.cqEntriesAt, size.completionEntries, true);
    arena.view.setUint32(setup + parameters.flagsAt, neededFlags | (hasArray ? 0 : SETUP_NO_SQARRAY), true);
    const fd = libc.ioUringSetup(size.submissionEntries, arena.address(setup, parametersBytes));
    if (fd >= 0) return { fd, hasArray };
    const errno = libc.errno();
    if (errno !== EINVAL || hasArray) throw new IoUringError('io-uring-setup', `io_uring_setup: ${errnoName(errno)}`);
  }
  throw new IoUringError('io-uring-setup', 'io_uring_setup: no form is accepted');
}

function map(libc: Libc, fd: number, length: number, offset: number): MappedView {
  const address = libc.mmap(0, length, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, offset);
  if (address < 0) {
    const errno = libc.errno();
    libc.close(fd);
    throw new IoUringError('io-uring-mmap', `mmap of a ring: ${errnoName(errno)}`);
  }
  return { buffer: viewMemory(address, length), address, length };
}

function fillIdentity(words: Int32Array, start: number, count: number): void {
  for (let index = 0; index < count; index += 1) words[start + index] = index;
}
