// Threads are started as long as a process lives, and Node reads what they run from the disk at that moment, where another version may be installed
// by then. So all that they can ask for is read once, when the process begins: their entries, and whatever is named in those as a file beside.
import { closeSync, existsSync, openSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setEnvironmentData } from 'node:worker_threads';
import { type KeptFile, type KeptProgram, programKey } from './kept-program.ts';

/** A file with which something begins, that others are reached from. */
export interface ProgramRoot {
  readonly url: URL;
  readonly format: KeptFile['format'];
  /** As it is asked for, where that is not by its place. */
  readonly name?: string;
}

/**
 * Threads run from now on what is there now. `here`: the URL of a module of the bundle; of the sources nothing is kept, since nobody
 * installs them over a process that runs. Throws where a file of the bundle cannot be read.
 */
export function keepProgram(here: string, rootsOf: (here: string) => readonly ProgramRoot[] = bundledRoots): void {
  if (here.endsWith('.ts')) return;
  const program = { files: new Map<string, KeptFile>(), names: new Map<string, string>() };
  for (const { url, format, name } of rootsOf(here)) {
    keep(url, format, program);
    if (name !== undefined) program.names.set(name, url.href);
  }
  setEnvironmentData(programKey, program satisfies KeptProgram);
}

interface Kept {
  readonly files: Map<string, KeptFile>;
  readonly names: Map<string, string>;
}

function keep(url: URL, format: KeptFile['format'], program: Kept): void {
  if (program.files.has(url.href)) return;
  const text = readFileSync(url);
  program.files.set(url.href, { format, source: shared(text) });
  for (const [, , place = ''] of text.toString().matchAll(placesInText)) {
    const named = new URL(place, url);
    try {
      if (place.endsWith('.node')) keepAddon(named, program);
      else keep(named, format, program);
    } catch (thrown) {
      // A word that only looks like a file, or a binary for another system.
      if (!isMissing(thrown)) throw thrown;
    }
  }
}

const placesInText = /(["'])(\.{1,2}\/[^"'\n]+\.(?:js|cjs|node))\1/g;

/** Its file stays open, and is loaded through the descriptor: that leads to it when there is another one by its name, or none. */
function keepAddon(url: URL, { files, names }: Kept): void {
  if (process.platform !== 'linux' || names.has(url.href)) return;
  const descriptor = openSync(url, 'r');
  const place = `/proc/self/fd/${descriptor}`;
  if (!existsSync(place)) {
    // Nobody has mounted it: threads load the file, as it is then.
    closeSync(descriptor);
    return;
  }
  // Node takes what is called `.node` for a binary without asking anybody.
  const loader = `${url.href}.cjs`;
  const text = `process.dlopen(module, '${place}');`;
  names.set(url.href, loader);
  files.set(loader, { format: 'commonjs', source: shared(Buffer.from(text)) });
}

function bundledRoots(here: string): readonly ProgramRoot[] {
  const folder = new URL('./', here);
  const entries = readdirSync(folder).filter((name) => name.endsWith('-main.js'));
  return [...entries.map((name) => ({ url: new URL(name, folder), format: 'module' }) as const), ...koffi()];
}

/** The one package that threads import and the bundle has not: it loads a binary, which is in a package of its own. */
function koffi(): readonly ProgramRoot[] {
  try {
    const url = pathToFileURL(realpathSync(fileURLToPath(import.meta.resolve('koffi'))));
    const binary = createRequire(url).resolve(`@koromix/koffi-${process.platform}-${process.arch}`);
    return [
      { url, format: 'module', name: 'koffi' },
      { url: pathToFileURL(binary), format: 'commonjs', name: new URL('.', pathToFileURL(binary)).href.slice(0, -1) },
    ];
  } catch {
    // It is not there for this system: threads go on without, and say so.
    return [];
  }
}

function shared(text: Buffer): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(text.length));
  bytes.set(text);
  return bytes;
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}
