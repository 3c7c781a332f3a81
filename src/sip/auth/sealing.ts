// Credentials at rest: AES-256-GCM under a key that lives in a file of its own. What is sealed names its key, so that keys can be
// changed one row at a time, and is bound to its owner, so that one user's row cannot be put in another's place.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { SbcError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';

/** The keys of one key file: the current one seals, every one opens. */
export interface KeyRing {
  readonly current: string;
  readonly keys: ReadonlyMap<string, Uint8Array>;
}

/** `malformed`: not what `seal` makes; `unknown-key`: not in the ring; `tampered`: changed, or another owner's. */
export type OpenError = 'malformed' | 'unknown-key' | 'tampered';

const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
const version = 'v1';

/** Reads a key file: one `id:base64` a line, 32 bytes each, the first seals; blank lines and `#` lines are skipped. */
export function parseKeyFile(text: string): Result<KeyRing, string> {
  const keys = new Map<string, Uint8Array>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const id = line.slice(0, Math.max(0, colon));
    if (!isKeyId(id)) return err(`line ${index + 1}: expected id:base64 with an id of 1 to 32 letters, digits, "-"`);
    if (keys.has(id)) return err(`line ${index + 1}: the id "${id}" is already used`);
    const key = Buffer.from(line.slice(colon + 1), 'base64');
    if (key.length !== keyBytes) return err(`line ${index + 1}: expected ${keyBytes} bytes, got ${key.length}`);
    keys.set(id, new Uint8Array(key));
  }
  const [current] = keys.keys();
  return current === undefined ? err('expected at least one key') : ok({ current, keys });
}

/** One line of a key file with a new key. Put it first to seal with it from now on. */
export function newKeyLine(id: string, random: Random): string {
  if (!isKeyId(id)) throw new SbcError('auth-key-id', 'expected an id of 1 to 32 letters, digits, "-"', { id });
  return `${id}:${Buffer.from(random.bytes(keyBytes)).toString('base64')}`;
}

/** `v1.<key id>.<iv>.<ciphertext and tag>`, the last two in base64url. `owner` must be given again to open it. */
export function seal(plain: Uint8Array, owner: string, ring: KeyRing, random: Random): string {
  const key = ring.keys.get(ring.current);
  if (key === undefined)
    throw new SbcError('auth-key-missing', 'the current key is not in the ring', { id: ring.current });
  const iv = random.bytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes });
  cipher.setAAD(boundTo(ring.current, owner));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return `${sealPrefix(ring)}${Buffer.from(iv).toString('base64url')}.${sealed.toString('base64url')}`;
}

/** The bytes that were sealed for `owner`. Never throws, whatever the text. */
export function open(text: string, owner: string, ring: KeyRing): Result<Uint8Array, OpenError> {
  const [textVersion, id = '', ivText = '', sealedText = '', ...rest] = text.split('.');
  if (textVersion !== version || rest.length > 0 || !isKeyId(id)) return err('malformed');
  const iv = Buffer.from(ivText, 'base64url');
  const sealed = Buffer.from(sealedText, 'base64url');
  if (iv.length !== ivBytes || sealed.length < tagBytes) return err('malformed');
  const key = ring.keys.get(id);
  if (key === undefined) return err('unknown-key');
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes });
  decipher.setAAD(boundTo(id, owner));
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  const plain = decipher.update(sealed.subarray(0, sealed.length - tagBytes));
  try {
    return ok(new Uint8Array(Buffer.concat([plain, decipher.final()])));
  } catch {
    // The only reason for `final` to throw here is a tag that does not fit.
    return err('tampered');
  }
}

/** True when a row was sealed with a key that is no longer the current one and should be sealed again. */
export function isSealedWithOldKey(text: string, ring: KeyRing): boolean {
  return !text.startsWith(sealPrefix(ring));
}

/** How everything begins that the current key has sealed, so that a database can find what it has not. */
export function sealPrefix(ring: KeyRing): string {
  return `${version}.${ring.current}.`;
}

function boundTo(keyId: string, owner: string): Buffer {
  return Buffer.from(`portcullis sealed ${version} ${keyId} ${owner}`);
}

function isKeyId(id: string): boolean {
  return /^[A-Za-z0-9-]{1,32}$/.test(id);
}
