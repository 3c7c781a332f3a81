// A cracker and a scanner over TLS: turned away before any cryptography, their connections ended, everybody else served; and
// still turned away by the next process.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AttackSite } from '../support/attack-site.ts';
import { rawRequest, textOf } from '../support/raw-request.ts';

let site: AttackSite;

beforeAll(async () => {
  site = await AttackSite.start({ bans: '[bans]\naccounts_per_source = 3\n' });
});

afterAll(() => site.close());

const credentials = (name: string): string =>
  `Digest username="${name}", realm="pbx.test", nonce="NONCE", uri="sip:pbx.test", response="${'0'.repeat(64)}", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="abc"`;

test('one who tries account after account is cut off, which operators are told of, and a phone from elsewhere is not', async () => {
  const alice = await site.phone('alice');
  expect(await alice.register()).toBe(200);
  const cracker = await site.stream('127.0.0.9');
  const bystander = await site.stream('127.0.0.9');
  for (const name of ['100', '101', '102']) {
    const first = rawRequest({ method: 'REGISTER', uri: 'sip:pbx.test', transport: 'TLS' });
    const challenged = cracker.inbox.response(first.callId, cracker.inbox.messages.length);
    cracker.send(textOf(first));
    const nonce = /nonce="([^"]+)"/.exec((await challenged).headers.get('WWW-Authenticate') ?? '')?.[1] ?? '';
    const second = { ...first, cseq: 2, branch: `${first.branch}x` };
    cracker.send(textOf(second, credentials(name).replace('NONCE', nonce)));
  }
  await Promise.all([cracker.closed, bystander.closed]);
  const before = await site.metric('sbc_connections_refused_total', 'reason="banned"');
  await expect(site.stream('127.0.0.9')).rejects.toThrow();
  expect(await site.metric('sbc_connections_refused_total', 'reason="banned"')).toBe(before + 1);
  expect(await site.metric('sbc_bans_total', 'reason="many-accounts"')).toBe(1);
  expect(await alice.register()).toBe(200);
  const alerts = site.log.filter((line) => line.includes('"event":"alert"') && line.includes('"kind":"banned"'));
  expect(alerts).toHaveLength(1);
  expect(alerts[0]).toContain('127.0.0.9');
});
