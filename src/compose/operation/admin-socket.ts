// Where operators ask a process.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** That path, with the folder that it stands in. */
export function adminSocket(path: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  return path;
}
