import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { loadDtlsIdentity } from '../../../../src/compose/keeping/dtls-identity.ts';
import { type DtlsIdentity, ownFingerprint } from '../../../../src/media/dtls/identity.ts';
import { type KeyRing, newKeyLine, parseKeyFile } from '../../../../src/sip/auth/sealing.ts';
import { SeededRandom } from '../../../support/fake-time.ts';

const now = Date.parse('2026-03-01T00:00:00Z');
const day = 86_400_000;
const random = new SeededRandom(9);
const [first, second] = [newKeyLine('first', random), newKeyLine('second', random)];
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'identity-'));
  folders.push(folder);
  return join(folder, 'var', 'dtls-identity');
}

function ring(...lines: readonly string[]): KeyRing {
  const parsed = parseKeyFile(lines.join('\n'));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

class Start {
  readonly replaced: string[] = [];
  readonly identity: DtlsIdentity;

  constructor(file: string, keys = ring(first), at = now) {
    const onReplaced = (reason: string): number => this.replaced.push(reason);
    this.identity = loadDtlsIdentity(file, { keys, random, now: at, onReplaced });
  }

  get shown(): string {
    return ownFingerprint(this.identity).value;
  }
}

describe('the certificate of DTLS (RFC 8122 §6)', () => {
  test('outlives a restart with its key, in a file of its owner alone that does not show the key', () => {
    const file = newFile();
    const [before, after] = [new Start(file), new Start(file, ring(first), now + 30 * day)];
    expect(after.shown).toBe(before.shown);
    expect(Buffer.from(after.identity.privateKey).equals(before.identity.privateKey)).toBe(true);
    expect(after.replaced).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const bytes = Buffer.concat(
      readFileSync(file, 'utf8')
        .split(/[\n.]/)
        .map((part) => Buffer.from(part, 'base64url')),
    );
    // The 32 bytes of the scalar in PKCS #8 (RFC 5915 §3); what follows is the public point, which the certificate shows.
    expect(bytes.includes(Buffer.from(before.identity.privateKey.slice(36, 68)))).toBe(false);
    const key = createPrivateKey({ key: Buffer.from(after.identity.privateKey), format: 'der', type: 'pkcs8' });
    expect(new X509Certificate(after.identity.certificate).checkPrivateKey(key)).toBe(true);
  });

  test('is sealed again with the key that is current, and then the old one may go', () => {
    const file = newFile();
    const before = new Start(file);
    expect(new Start(file, ring(second, first)).shown).toBe(before.shown);
    const after = new Start(file, ring(second));
    expect([after.shown, after.replaced]).toEqual([before.shown, []]);
  });

  test.each([
    ['a key that is not in the ring', ring(second), now, (text: string) => text, 'unknown-key'],
    ['an end that is near', ring(first), now + 3_400 * day, (text: string) => text, 'its certificate ends soon'],
    ['no certificate', ring(first), now, () => 'AAAA\n', 'malformed'],
    ['a changed key', ring(first), now, (text: string) => text.replace(/.{4}\n$/, 'AAAA\n'), 'tampered'],
  ])('with %s is made anew, and that is told', (_name, keys, at, bend, reason) => {
    const file = newFile();
    const before = new Start(file);
    writeFileSync(file, bend(readFileSync(file, 'utf8')));
    const after = new Start(file, keys, at);
    expect(after.replaced).toEqual([reason]);
    expect(after.shown).not.toBe(before.shown);
    const again = new Start(file, keys, at);
    expect([again.shown, again.replaced]).toEqual([after.shown, []]);
  });

  test('of another identity does not fit beside this key', () => {
    const [file, other] = [newFile(), newFile()];
    new Start(file);
    new Start(other);
    const [, sealed] = readFileSync(file, 'utf8').split('\n');
    const [certificate] = readFileSync(other, 'utf8').split('\n');
    writeFileSync(file, `${certificate}\n${sealed}\n`);
    expect(new Start(file).replaced).toEqual(['tampered']);
  });
});
