// Secrets that all nodes of a site must have alike: what tokens are keyed with, what keys of media are sealed with, the certificate of
// DTLS. Whoever comes first gives them to the others through the shared store, sealed under the key of the site; each keeps them in its
// `state_dir`, and starts with those where the store is away.
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EpochMillis } from '../../core/clock.ts';
import { SbcError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { type KeyRing, open, parseKeyFile, seal } from '../../sip/auth/sealing.ts';
import { openKeyFile } from '../../store/key-file.ts';
import type { SharedStore } from '../../store/shared/shared-store.ts';
import { loadDtlsIdentity } from '../keeping/dtls-identity.ts';
import { loadSecret } from '../keeping/state-files.ts';

export interface SharedSecretsParts {
  readonly store: Pick<SharedStore, 'secret'>;
  /** Of the site. */
  readonly keys: KeyRing;
  readonly stateDir: string;
  readonly random: Random;
  readonly now: EpochMillis;
}

/** Rejects as the store does, and with SbcError `site-key` when the others seal with another key. */
export async function shareSecrets(parts: SharedSecretsParts): Promise<void> {
  const { stateDir, random, now } = parts;
  loadSecret(join(stateDir, 'secret'), random);
  await share('secret', parts);
  openKeyFile(join(stateDir, 'media-keys'), random);
  await share('media-keys', parts);
  const keys = openKeyFile(join(stateDir, 'media-keys'), random);
  loadDtlsIdentity(join(stateDir, 'dtls-identity'), { keys, random, now, onReplaced: () => {} });
  await share('dtls-identity', parts);
}

/** The keys of an environment variable: `ID:BASE64` each, with commas between them; the first one seals. Throws SbcError `site-key`. */
export function siteKeys(text: string, variable: string): KeyRing {
  const keys = parseKeyFile(text.replaceAll(',', '\n'));
  if (keys.ok) return keys.value;
  throw new SbcError('site-key', `${variable}: ${keys.error} (make one with: echo "k1:$(openssl rand -base64 32)")`);
}

async function share(name: string, { store, keys, stateDir, random }: SharedSecretsParts): Promise<void> {
  const file = join(stateDir, name);
  const own = readFileSync(file, 'utf8');
  const owner = `secret ${name}`;
  const shared = open(await store.secret(name, seal(Buffer.from(own), owner, keys, random)), owner, keys);
  if (!shared.ok)
    throw new SbcError('site-key', `the secret "${name}" of the other nodes cannot be opened: ${shared.error}`);
  const text = Buffer.from(shared.value).toString();
  if (text === own) return;
  const draft = `${file}.shared`;
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}
