// Puts a new site into a folder. Nothing that is there is ever overwritten.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { NewFile } from './site.ts';

/** Throws SbcError `site-exists` before anything is written, or `site-not-written`. */
export function writeSite(directory: string, files: readonly NewFile[]): void {
  const present = files.map(({ path }) => path).filter((path) => existsSync(join(directory, path)));
  if (present.length > 0) {
    const found = `there is already ${present.join(', ')} in ${directory}; nothing was written`;
    const message = `${found}. Move away what an earlier try left, to begin anew`;
    throw new SbcError('site-exists', message, { directory });
  }
  for (const { path, content, isSecret } of files) {
    const file = join(directory, path);
    try {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content, { flag: 'wx', mode: isSecret ? 0o600 : 0o644 });
    } catch (thrown) {
      throw new SbcError('site-not-written', `${file}: ${messageOf(thrown)}`, { file }, thrown);
    }
  }
}
