// The file with the keys that seal credentials. It is made on first use, and changed by nothing but a rotation, each time whole
// or not at all: without it the users' credentials are lost.
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, SbcError } from '../core/errors.ts';
import { type Random, token } from '../core/random.ts';
import { type KeyRing, newKeyLine, parseKeyFile } from '../sip/auth/sealing.ts';

/** The keys of `file`, which is created when it is missing. Throws SbcError `key-file-unusable`. */
export function openKeyFile(file: string, random: Random): KeyRing {
  let content: string;
  try {
    content = readIfThere(file) ?? create(file, random);
  } catch (thrown) {
    if (thrown instanceof SbcError) throw thrown;
    throw new SbcError('key-file-unusable', `${file}: ${messageOf(thrown)}`, { file }, thrown);
  }
  const ring = parseKeyFile(content);
  if (ring.ok) return ring.value;
  throw new SbcError('key-file-unusable', `${file}: ${ring.error}`, { file });
}

/** Puts a new key in front, which seals from now on; the others go on opening. Returns its id. */
export function addKey(file: string, random: Random): string {
  const id = token(random, 4);
  replace(file, `${newKeyLine(id, random)}\n${readFileSync(file, 'utf8')}`, random);
  return id;
}

/** Leaves the current key alone. What an older one sealed can then be read by nobody. */
export function dropOldKeys(file: string, random: Random): void {
  const { current } = openKeyFile(file, random);
  const lines = readFileSync(file, 'utf8').split('\n');
  const kept = lines.filter(
    (line) => line.trim() === '' || line.startsWith('#') || line.trim().startsWith(`${current}:`),
  );
  replace(file, kept.join('\n'), random);
}

function replace(file: string, content: string, random: Random): void {
  const draft = `${file}.${token(random, 8)}`;
  const descriptor = openSync(draft, 'wx', 0o600);
  try {
    writeSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, file);
}

function readIfThere(file: string): string | undefined {
  const status = statSync(file, { throwIfNoEntry: false });
  if (status === undefined) return undefined;
  if (process.platform !== 'win32' && (status.mode & 0o077) !== 0) {
    throw new SbcError('key-file-unusable', `${file} can be read by others: run "chmod 600 ${file}"`, { file });
  }
  return readFileSync(file, 'utf8');
}

/** Written beside and linked into place: of two processes that start at once, one wins and both read its keys. */
function create(file: string, random: Random): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${token(random, 8)}`;
  const descriptor = openSync(draft, 'wx', 0o600);
  try {
    writeSync(
      descriptor,
      `# Seals credentials in portcullis.db. Keep a copy: without it every user needs a new password.\n`,
    );
    writeSync(descriptor, `${newKeyLine(token(random, 4), random)}\n`);
    fsyncSync(descriptor);
    linkSync(draft, file);
  } catch (thrown) {
    if (!isExisting(thrown)) throw thrown;
  } finally {
    closeSync(descriptor);
    rmSync(draft);
  }
  return readFileSync(file, 'utf8');
}

function isExisting(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST';
}
