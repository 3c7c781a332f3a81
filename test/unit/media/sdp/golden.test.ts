// Each file of test/golden/sdp is one exchange: what the caller and the callee say, and what each of them hears.
// UPDATE_GOLDEN=1 rewrites what they hear; read the diff before it is committed.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { fingerprintOf } from '../../../../src/media/dtls/fingerprint.ts';
import type { EndpointRemote } from '../../../../src/media/plane/messages.ts';
import { SdpLeg } from '../../../../src/media/sdp/sdp-leg.ts';
import { defaultSdpPolicy, type SdpPolicy } from '../../../../src/media/sdp/sdp-policy.ts';
import { SeededRandom } from '../../../support/fake-time.ts';
import { insideLocals, outsideLocals, textOf } from './sdp-fixtures.ts';

const folder = new URL('../../../golden/sdp/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.golden'));

/** Sections in their order; `caller`, `callee`, `offer in` and `answer in` are input, all others output. */
type Sections = Map<string, string>;

function readSections(text: string): Sections {
  const sections: Sections = new Map();
  let current = 'title';
  for (const line of text.split('\n')) {
    if (line.startsWith('=== ')) current = line.slice(4);
    else sections.set(current, `${sections.get(current) ?? ''}${line}\n`);
  }
  return sections;
}

function writeSections(sections: Sections): string {
  return [...sections].map(([name, text]) => (name === 'title' ? text : `=== ${name}\n${text}`)).join('');
}

function policyOf(sections: Sections, name: string): SdpPolicy {
  const words = (sections.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
  const overrides = words.map((word) => {
    const [key = '', value = ''] = word.split('=');
    return [key, value.includes(',') ? value.split(',') : /^[0-9]+$/.test(value) ? Number(value) : value] as const;
  });
  const fingerprint = fingerprintOf(Uint8Array.of(1), 'sha-256');
  return { ...defaultSdpPolicy, suites: ['AES_CM_128_HMAC_SHA1_80'], fingerprint, ...Object.fromEntries(overrides) };
}

function bodyOf(sections: Sections, name: string): Uint8Array {
  return Buffer.from((sections.get(name) ?? '').replaceAll('\n', '\r\n'), 'latin1');
}

function play(input: Sections): Sections {
  const output: Sections = new Map();
  for (const name of ['title', 'caller', 'callee', 'offer in']) output.set(name, input.get(name) ?? '');
  const caller = new SdpLeg({ policy: policyOf(input, 'caller'), random: new SeededRandom(21), sessionId: '1111' });
  const callee = new SdpLeg({ policy: policyOf(input, 'callee'), random: new SeededRandom(42), sessionId: '2222' });
  const offer = caller.receiveOffer(bodyOf(input, 'offer in'));
  if (!offer.ok)
    return output.set('offer refused', `${offer.error.status} ${offer.error.reason}: ${offer.error.detail}\n`);
  const callerLocals = outsideLocals.map((local, line) =>
    caller.muxes(line) ? { ...local, rtcpPort: undefined } : local,
  );
  const relayed = callee.createOffer(offer.value, insideLocals);
  if (!relayed.ok) return output.set('offer refused', `${relayed.error.status} ${relayed.error.reason}\n`);
  output.set('offer out', textOf(relayed.value).replaceAll('\r\n', '\n'));
  output.set('answer in', input.get('answer in') ?? '');
  const answer = callee.receiveAnswer(bodyOf(input, 'answer in'));
  if (!answer.ok)
    return output.set('answer refused', `${answer.error.status} ${answer.error.reason}: ${answer.error.detail}\n`);
  output.set('answer out', textOf(caller.createAnswer(answer.value, callerLocals)).replaceAll('\r\n', '\n'));
  output.set('caller media', remotesText(caller));
  output.set('callee media', remotesText(callee));
  return output;
}

function remotesText(leg: SdpLeg): string {
  return leg
    .remotes()
    .map((remote) => `${remote === undefined ? 'none' : remoteText(remote)}\n`)
    .join('');
}

function remoteText({
  rtp,
  rtcp,
  send,
  latching,
  awaitLatch,
  sending,
  receiving,
  payloadTypes,
  dtls,
}: EndpointRemote): string {
  const flow = `${sending ? 'send' : '-'} ${receiving ? 'receive' : '-'}`;
  const map = payloadTypes.map(([from, to]) => ` ${from}->${to}`).join('');
  const rtcpText = rtcp === undefined ? 'mux' : `${rtcp.address} ${rtcp.port}`;
  const keys = send?.suite ?? (dtls === undefined ? 'plain' : `DTLS as ${dtls.role}`);
  const wait = awaitLatch === true ? ' awaited' : '';
  return `rtp ${rtp.address} ${rtp.port}, rtcp ${rtcpText}, ${keys}, ${latching.kind}${wait}, ${flow}${map}`;
}

describe('golden exchanges', () => {
  test('are all there', () => {
    expect(files.length).toBeGreaterThanOrEqual(12);
  });

  test.each(files)('%s', (name) => {
    const path = fileURLToPath(new URL(name, folder));
    const text = readFileSync(path, 'utf8');
    const played = writeSections(play(readSections(text.replace(/\n$/, ''))));
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, played);
    else expect(played).toBe(text);
  });
});
