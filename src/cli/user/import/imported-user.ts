// What the files of other systems say of a user, and what was wrong with a line of theirs.
import type { NewSecret } from '../../../store/user-store.ts';

export interface ImportedUser {
  readonly name: string;
  /** Absent where the file knows none: the default one of the configuration. */
  readonly domain?: string | undefined;
  /** What an HA1 was hashed with, where the file says so. */
  readonly realm?: string | undefined;
  readonly secret: NewSecret;
  readonly line: number;
}

export interface ImportFault {
  readonly line: number;
  readonly message: string;
}

export interface ImportedFile {
  readonly users: readonly ImportedUser[];
  readonly faults: readonly ImportFault[];
}

/** Bytes of a file that is read whole. */
export const maxImportBytes = 64 * 1024 * 1024;
