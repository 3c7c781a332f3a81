// A program that is replaced on the disk while it runs: what an upgrade needs of the old one must have been read before.
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { check, type NativeCase } from './case.ts';

const root = join(import.meta.dirname, '../..');

const replaced: NativeCase = {
  name: 'sockets are passed on by a program whose files are gone, once it was prepared for that',
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-replaced-'));
    try {
      for (const room of ['core', 'handover', 'media']) {
        cpSync(join(root, 'src', room), join(folder, 'src', room), { recursive: true });
      }
      cpSync(join(root, 'package.json'), join(folder, 'package.json'));
      symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
      const { preparePassing, openSender } = await passingOf(folder);
      await preparePassing();
      rmSync(join(folder, 'src'), { recursive: true });
      check((await openSender()) !== undefined, 'nothing passes sockets any more');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

type Passing = Pick<typeof import('../../src/handover/descriptors.ts'), 'preparePassing' | 'openSender'>;

async function passingOf(folder: string): Promise<Passing> {
  const loaded: unknown = await import(pathToFileURL(join(folder, 'src/handover/descriptors.ts')).href);
  if (!isPassing(loaded)) throw new Error('the copy is not what was copied');
  return loaded;
}

function isPassing(loaded: unknown): loaded is Passing {
  return typeof loaded === 'object' && loaded !== null && 'preparePassing' in loaded && 'openSender' in loaded;
}

export const cases = [replaced];
