// The program as it was when this process began: what threads are started from, whatever is installed by then.
import { getEnvironmentData } from 'node:worker_threads';

export interface KeptFile {
  readonly format: 'module' | 'commonjs';
  /** In UTF-8; one copy for all threads. */
  readonly source: Uint8Array;
}

export interface KeptProgram {
  /** By URL. */
  readonly files: ReadonlyMap<string, KeptFile>;
  /** The URL of what is asked for by another name: packages, their folders, binaries. */
  readonly names: ReadonlyMap<string, string>;
}

/** Under which Node gives it to each thread that is started. */
export const programKey = 'portcullis.program';

/** Undefined: threads are started from the disk. */
export function keptProgram(): KeptProgram | undefined {
  const kept: unknown = getEnvironmentData(programKey);
  return isKeptProgram(kept) ? kept : undefined;
}

/** Nobody else uses that key: this tells a mix-up. */
function isKeptProgram(value: unknown): value is KeptProgram {
  return typeof value === 'object' && value !== null && 'files' in value && 'names' in value;
}
