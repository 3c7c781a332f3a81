// Files of the state directory that the program makes for itself.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';

const secretBytes = 32;

/** The secret in `file`, made on the first start. Nonces and challenge tags are keyed with it, so it outlives a restart. */
export function loadSecret(file: string, random: Random): Uint8Array {
  try {
    if (!existsSync(file)) {
      mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
      writeFileSync(file, Buffer.from(random.bytes(secretBytes)).toString('base64'), { mode: 0o600, flag: 'wx' });
    }
    const secret = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
    if (secret.length === secretBytes) return new Uint8Array(secret);
  } catch (thrown) {
    throw new SbcError('secret-unreadable', `${file}: ${messageOf(thrown)}`, { file }, thrown);
  }
  throw new SbcError('secret-malformed', `${file}: expected ${secretBytes} bytes in base64`, { file });
}
