// Logs and records at level debug after a life of calls, failures and hostile text: no password, hash, key, nonce or header of
// credentials is in them, and nothing that a peer sent can make a line of its own or command a terminal.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AttackSite, type Seen } from '../support/attack-site.ts';
import { RawPhone } from '../support/raw-phone.ts';
import { again, rawRequest, Signer, textOf } from '../support/raw-request.ts';

let site: AttackSite;
const seen: Seen[] = [];
let records = '';

beforeAll(async () => {
  site = await AttackSite.start();
  const [alice, bob] = [await site.phone('alice', 'tls', seen), await site.phone('bob', 'tls', seen)];
  await alice.register();
  await bob.register();
  const dialling = alice.call('bob');
  const ring = await bob.nextCall();
  const callee = await ring.answer();
  const caller = await dialling.answered;
  await caller.talk(3);
  await caller.hold();
  await caller.resume();
  await caller.hangUp();
  await callee.ended;
  await alice
    .call('nobody-here')
    .answered.then((call) => call.hangUp())
    .catch(() => {});

  const hostile = await RawPhone.start(site);
  const command = '\u001b]0;owned\u0007\u009b2J\u202e';
  const lines = [`User-Agent: ${command}`, `Subject: ${command}`];
  const contact = `sip:alice@127.0.0.1:${hostile.peer.local.port};x=%0d%0a{"level":"error"}`.replaceAll(/[{}"]/g, '_');
  await hostile.register(contact, lines);
  await hostile.ask(
    rawRequest({ method: 'INVITE', uri: 'sip:%0a%7B%22level%22%3A%22error%22%7D%1b%5B2J@pbx.test', lines }),
  );
  const raw = rawRequest();
  const challenge = await hostile.answer(raw);
  const next = again(raw);
  const bad = new Signer(`alice${command}","level":"fatal`, 'wrong').sign(next, challenge);
  await hostile.answer(next, textOf(next, bad));
  await hostile.peer.send(`OPTIONS sip:a SIP/2.0\r\nX: ${command}\n{"level":"fatal"}\r\n\r\n`, site.udp);
  const last = rawRequest();
  await hostile.answer(last);
  await site.stop();
  records = readFileSync(join(site.folder, 'var/cdr/cdr.ndjson'), 'utf8');
});

afterAll(() => site.close());

test('hold no secret', () => {
  const written = site.log.join('') + records;
  expect(written).toContain('authentication-failed');
  const wire = seen.map(({ message }) => {
    const fields = Array.from(message.headers.entries(), ([name, value]) => `${name}: ${value}`);
    return [...fields, Buffer.from(message.body)].join('\n');
  });
  const inWire = (pattern: RegExp): string[] =>
    wire.flatMap((text) => [...text.matchAll(pattern)].map(([, found = '']) => found));
  const keys = inWire(/inline:([A-Za-z0-9+/=]+)/g);
  const nonces = inWire(/nonce="([^"]+)"/g);
  const responses = inWire(/response="([^"]+)"/g);
  for (const found of [keys, nonces, responses]) expect(found.length).toBeGreaterThan(1);
  const hashes = Object.entries(site.passwords).flatMap(([name, password]) => {
    return ['md5', 'sha256', 'sha512-256'].map((hash) => {
      return createHash(hash).update(`${name}:pbx.test:${password}`).digest('hex');
    });
  });
  const secrets = [...Object.values(site.passwords), ...hashes, ...keys, ...nonces, ...responses];
  expect(secrets.filter((secret) => written.includes(secret))).toEqual([]);
  expect(written).not.toMatch(/inline:|authorization:|a=crypto/i);
});

test('hold one JSON object a line, which a peer can neither break nor add to', () => {
  const lines = [...site.log, ...records.trimEnd().split('\n')].map((line) => line.trimEnd());
  for (const line of lines) {
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(JSON.parse(line)).toBeTypeOf('object');
  }
  expect(lines.filter((line) => /"level":"(fatal|error)"/.test(line))).toEqual([]);
});
