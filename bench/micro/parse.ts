// Routing parses a second: a 900-byte INVITE is parsed and everything that routing looks at is read. The calibration
// loop beside it tells how fast this core is at the moment, so that two runs can be compared.
//   node bench/micro/parse.ts [--seconds N] [--json] [--against FOLDER]
// FOLDER: an unpacked npm package `sip` (`npm install sip` somewhere), whose parser reads the same bytes in the same rounds.
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { contacts, essentialsOf, requestUri, routes } from '../../src/sip/message/header-fields.ts';
import { parseMessage } from '../../src/sip/message/parser.ts';
import { serializeMessage } from '../../src/sip/message/serializer.ts';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    against: { type: 'string' },
  },
});
const roundMillis = Number(options.seconds) * 1000;
const rounds = 7;
const batch = 200;

/** Everything in it changes with `call`, so that no cache and no interned string flatters the result. */
function invite(call: number): Buffer {
  const id = (call * 2654435761) % 2 ** 32;
  const body = [
    'v=0',
    `o=alice ${id} 1 IN IP4 198.51.100.7`,
    's=-',
    'c=IN IP4 198.51.100.7',
    't=0 0',
    'm=audio 40000 RTP/SAVP 8 101',
    'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz',
    'a=rtpmap:101 telephone-event/8000',
    '',
  ].join('\r\n');
  const head = [
    `INVITE sip:0${id}@pbx.example.com;user=phone SIP/2.0`,
    `Via: SIP/2.0/TLS 192.168.1.23:5061;branch=z9hG4bK${id}.1;rport;alias`,
    'Max-Forwards: 70',
    'Route: <sip:sbc.example.com:5061;transport=tls;lr>',
    `From: "Alice Example" <sip:alice${id % 1000}@pbx.example.com>;tag=${id}a`,
    `To: <sip:0${id}@pbx.example.com;user=phone>`,
    `Call-ID: ${id}-3848276298220188511@192.168.1.23`,
    'CSeq: 101 INVITE',
    `Contact: <sip:alice${id % 1000}@192.168.1.23:5061;transport=tls;ob>`,
    'Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO',
    'Supported: replaces, timer, outbound',
    'Content-Type: application/sdp',
    `Content-Length: ${body.length}`,
    '',
    '',
  ].join('\r\n');
  return Buffer.from(head + body);
}

function route(bytes: Uint8Array): number {
  const parsed = parseMessage(bytes, undefined, 'stream');
  if (!parsed.ok || parsed.value.kind !== 'request') throw new Error('the benchmark message does not parse');
  const request = parsed.value;
  const { via, fromTag, toTag, callId, cseq } = essentialsOf(request);
  const target = requestUri(request);
  const route = routes(request.headers);
  const contact = contacts(request.headers);
  if (!target.ok || !route.ok || !contact.ok || via.branch === undefined) throw new Error('a routing header is bad');
  return callId.length + cseq.sequence + (fromTag?.length ?? 0) + (toTag?.length ?? 0) + route.value.length;
}

interface Parser {
  parse(text: string): unknown;
}

function isParser(library: unknown): library is Parser {
  return typeof library === 'object' && library !== null && 'parse' in library && typeof library.parse === 'function';
}

/** It reads all headers it knows of at once, so that a message it has parsed can be routed. */
function otherParser(folder: string | undefined): Record<string, (index: number) => number> {
  if (folder === undefined) return {};
  const library: unknown = createRequire(`${process.cwd()}/`)(folder);
  if (!isParser(library)) throw new Error(`${folder} has no function "parse"`);
  return {
    'npm sip': (index) => (library.parse((messages[index] ?? empty).toString('latin1')) === undefined ? 0 : 1),
  };
}

/** Plain work of a like kind (table look-ups and branches over bytes), in rounds over 900 bytes. */
function calibrate(bytes: Uint8Array): number {
  let hash = 0;
  for (let index = 0; index < 900; index += 1) hash = (Math.imul(hash, 31) + (bytes[index] ?? 0)) | 0;
  return hash;
}

const messages = Array.from({ length: batch }, (_, call) => invite(call));
const parsedMessages = messages.map((bytes) => {
  const parsed = parseMessage(bytes);
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
});

/** Runs of `work` over the batch, a second of CPU: what else runs on the machine then counts for less. */
function rate(work: (index: number) => number): number {
  let sink = 0;
  let runs = 0;
  const end = performance.now() + roundMillis / rounds;
  const start = process.cpuUsage();
  while (performance.now() < end) {
    for (let index = 0; index < batch; index += 1) sink += work(index);
    runs += batch;
  }
  const { user, system } = process.cpuUsage(start);
  if (!Number.isFinite(sink)) throw new Error('unreachable; keeps the work from being optimised away');
  return (runs / (user + system)) * 1e6;
}

const empty = Buffer.alloc(0);
const parseOnly = (index: number): number => (parseMessage(messages[index] ?? empty).ok ? 1 : 0);
const parseAndRoute = (index: number): number => route(messages[index] ?? empty);
const serialize = (index: number): number => {
  const message = parsedMessages[index];
  return message === undefined ? 0 : serializeMessage(message).length;
};
const calibration = (index: number): number => calibrate(messages[index] ?? empty);

const works = { calibration, parseOnly, parseAndRoute, serialize, ...otherParser(options.against) };
const rates = new Map<string, number[]>();
for (let round = -2; round < rounds; round += 1) {
  for (const [name, work] of Object.entries(works)) {
    const result = rate(work);
    if (round >= 0) rates.set(name, [...(rates.get(name) ?? []), result]);
  }
}

const messageBytes = messages.reduce((sum, bytes) => sum + bytes.length, 0) / batch;
const summary = Object.fromEntries(
  [...rates].map(([name, results]) => {
    const sorted = results.toSorted((a, b) => a - b);
    const at = (share: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
    return [name, { median: at(0.5), lowest: at(0), highest: at(1) }];
  }),
);
if (options.json) process.stdout.write(`${JSON.stringify({ messageBytes, perSecond: summary })}\n`);
else {
  process.stdout.write(`INVITE of ${Math.round(messageBytes)} B, ${rounds} rounds, runs a second of CPU:\n`);
  for (const [name, { median, lowest, highest }] of Object.entries(summary)) {
    process.stdout.write(`  ${name.padEnd(14)} ${String(median).padStart(9)}  (${lowest} to ${highest})\n`);
  }
}
