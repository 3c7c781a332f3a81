// The torture messages of RFC 4475 and RFC 5118: what the parser makes of each, and what a whole SBC answers over UDP.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemRandom, token } from '../../src/core/random.ts';
import type { SocketAddress } from '../../src/core/socket-address.ts';
import { parseMessage } from '../../src/sip/message/parser.ts';
import { AttackSite } from '../support/attack-site.ts';
import type { RawDatagrams } from '../support/raw-peer.ts';
import { rawRequest, textOf } from '../support/raw-request.ts';
import { type TortureMessage, tortureMessages } from './manifest.ts';

const bytesOf = ({ rfc, name }: TortureMessage): Buffer =>
  readFileSync(join(import.meta.dirname, `rfc${rfc}`, `${name}.sip`));
const cases = tortureMessages.map(
  (message) => [`RFC ${message.rfc} §${message.section} ${message.name}`, message] as const,
);

test('the manifest names every file, and every message has its file', () => {
  const files = ['4475', '5118'].flatMap((rfc) => {
    return readdirSync(join(import.meta.dirname, `rfc${rfc}`)).map((file) => `${rfc} ${file}`);
  });
  expect(tortureMessages.map(({ rfc, name }) => `${rfc} ${name}.sip`).toSorted()).toEqual(files.toSorted());
  expect([files.length, new Set(files).size]).toEqual([49 + 11, 49 + 11]);
});

describe('the parser', () => {
  test.each(cases)('%s', (_, message) => {
    const parsed = parseMessage(bytesOf(message));
    const { outcome } = message;
    if (parsed.ok) expect(outcome.kind).toBe('accept');
    else {
      const { code, status, answerable } = parsed.error;
      const came = answerable === undefined ? { kind: 'drop', code } : { kind: 'refuse', code, status };
      expect(outcome).toEqual(came);
    }
  });
});

describe('a whole SBC', () => {
  let site: AttackSite;
  let stranger: RawDatagrams;

  beforeAll(async () => {
    site = await AttackSite.start({ pbx: 'scripted' });
    stranger = await site.datagrams();
  });

  afterAll(async () => {
    expect(site.log.filter((line) => /handling-failed|user-failed|defect|threw/.test(line))).toEqual([]);
    await site.close();
  });

  test.each(cases)('to a stranger: %s', async (_, message) => {
    const bytes = bytesOf(message);
    const statuses = await answersTo(stranger, bytes, site.udp);
    expect(statuses).toEqual(expectedFor(message, bytes));
  });

  test.each(cases.filter(([, { pbx }]) => pbx !== undefined))('to the PBX: %s', async (_, message) => {
    // Some share a branch or are sent to both sides: each gets names of its own, else it would be a copy.
    const fresh = bytesOf(message)
      .toString('latin1')
      .replaceAll(/branch=z9hG4bK(?=[^\s;])/g, `branch=z9hG4bK${token(systemRandom, 6)}`)
      .replace(/^(call-id|i)\s*:\s*/im, `Call-ID: ${token(systemRandom, 6)}`);
    expect(await answersTo(site.scripted, Buffer.from(fresh, 'latin1'), site.inside)).toEqual([message.pbx]);
  });
});

function expectedFor({ outcome }: TortureMessage, bytes: Buffer): readonly number[] {
  if (outcome.kind === 'accept') return bytes.toString('latin1').startsWith('SIP/2.0') ? [] : [401];
  return outcome.kind === 'refuse' ? [outcome.status] : [];
}

/** The final statuses that came before the answer to an OPTIONS that was sent behind it. */
async function answersTo(peer: RawDatagrams, bytes: Buffer, to: SocketAddress): Promise<readonly number[]> {
  const before = peer.inbox.bytes.length;
  const seen = peer.inbox.messages.length;
  const callId = /^(?:call-id|i)\s*:\s*(\S+)/im.exec(bytes.toString('latin1'))?.[1] ?? 'none';
  await peer.send(bytes, to);
  const sentinel = rawRequest();
  await peer.send(textOf(sentinel), to);
  await peer.inbox.response(sentinel.callId, seen);
  const statuses = peer.inbox.bytes.slice(before).flatMap((answer) => {
    const text = Buffer.from(answer).toString('latin1');
    return text.includes(callId) ? [Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1])] : [];
  });
  return statuses.filter((status) => status >= 200);
}
