// A folder stands for the bundle, and is written over while the process runs, as an installation does.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setEnvironmentData, type Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keepProgram, type ProgramRoot } from '../../../src/threads/keep-program.ts';
import { keptProgram, programKey } from '../../../src/threads/kept-program.ts';
import { newThread } from '../../../src/threads/new-thread.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-kept-'));
  install('old');
});

afterEach(() => {
  setEnvironmentData(programKey, undefined);
  rmSync(folder, { recursive: true, force: true });
});

const urlOf = (name: string): URL => pathToFileURL(join(folder, name));

/** A bundle whose every file says which version it is of. */
function install(version: string): void {
  const files = {
    'talker-main.js': `
      import { parentPort, workerData } from 'node:worker_threads';
      import { createRequire } from 'node:module';
      import { chunk } from './chunk.js';
      import { packaged } from 'a-package';
      const { later } = await import('./later.js');
      const { binary } = createRequire(import.meta.url)('${folder}/inner/../classic');
      parentPort.postMessage(['${version}', chunk, later, packaged, binary, workerData, import.meta.url]);`,
    'chunk.js': `export const chunk = '${version}'; // beside "./missing.js"`,
    'later.js': `export const later = '${version}';`,
    'package.js': `export const packaged = '${version}';`,
    'classic/index.cjs': `module.exports = require('./binary.cjs');`,
    'classic/binary.cjs': `exports.binary = '${version}';`,
  };
  rmSync(folder, { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

const roots = (): readonly ProgramRoot[] => [
  { url: urlOf('talker-main.js'), format: 'module' },
  { url: urlOf('package.js'), format: 'module', name: 'a-package' },
  { url: urlOf('classic/index.cjs'), format: 'commonjs', name: urlOf('classic').href },
];

async function first(thread: Worker, event: string): Promise<unknown> {
  const heard: readonly unknown[] = await once(thread, event);
  return heard[0];
}

async function said(): Promise<unknown> {
  const thread = newThread(urlOf('talker-main.js'), { workerData: 'data' });
  const message = await first(thread, 'message');
  await once(thread, 'exit');
  return message;
}

describe('a thread that is started after another version was installed', () => {
  test('runs the one that the process began with: modules, those that it imports later, packages, and what those require', async () => {
    keepProgram(urlOf('main.js').href, roots);
    install('new');
    expect(await said()).toEqual(['old', 'old', 'old', 'old', 'old', 'data', urlOf('talker-main.js').href]);
  });

  test('runs it where nothing is installed any more', async () => {
    keepProgram(urlOf('main.js').href, roots);
    rmSync(folder, { recursive: true });
    expect(await said()).toEqual(['old', 'old', 'old', 'old', 'old', 'data', urlOf('talker-main.js').href]);
  });

  test('ends with the error of its entry', async () => {
    writeFileSync(urlOf('broken-main.js'), 'throw new Error("it is broken");');
    keepProgram(urlOf('main.js').href, () => [{ url: urlOf('broken-main.js'), format: 'module' }]);
    install('new');
    const thread = newThread(urlOf('broken-main.js'), {});
    const thrown = await first(thread, 'error');
    expect(String(thrown)).toContain('it is broken');
  });

  test('names its files in what it throws as they were', async () => {
    writeFileSync(urlOf('broken-main.js'), '\n\nthrow new Error("it is broken");');
    keepProgram(urlOf('main.js').href, () => [{ url: urlOf('broken-main.js'), format: 'module' }]);
    const thrown = await first(newThread(urlOf('broken-main.js'), {}), 'error');
    expect(thrown instanceof Error ? thrown.stack : '').toContain('broken-main.js:3');
  });
});

describe('what is kept', () => {
  test('is nothing of the sources', () => {
    keepProgram(urlOf('main.ts').href, roots);
    expect(keptProgram()).toBeUndefined();
  });

  test('is each file that is reached from a root, once', () => {
    keepProgram(urlOf('main.js').href, roots);
    const names = [...(keptProgram()?.files.keys() ?? [])].map((url) => url.slice(urlOf('').href.length + 1));
    expect(names).toEqual([
      'talker-main.js',
      'chunk.js',
      'later.js',
      'package.js',
      'classic/index.cjs',
      'classic/binary.cjs',
    ]);
  });

  test('is not begun where a root cannot be read', () => {
    const missing = (): readonly ProgramRoot[] => [{ url: urlOf('missing-main.js'), format: 'module' }];
    expect(() => keepProgram(urlOf('main.js').href, missing)).toThrow('ENOENT');
    expect(keptProgram()).toBeUndefined();
  });
});
