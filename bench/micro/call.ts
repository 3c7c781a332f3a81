// CPU milliseconds that the signalling of one call costs: the composed SBC on fake time and fake sockets, without kernel,
// TLS and media workers, so that two versions can be told apart on a busy machine. Every call is challenged, answered inside
// and hung up by its caller; time passes as at 150 calls a second, so that ended transactions linger as they do in service.
//   node bench/micro/call.ts [--warm-up CALLS] [--rounds N]
import { hash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parseMessage } from '../../src/sip/message/parser.ts';
import { serializeMessage } from '../../src/sip/message/serializer.ts';
import type { Flow } from '../../src/sip/transport/transport.ts';
import { Scenario } from '../../test/support/scenario.ts';
import { passwords } from '../../test/support/scenario-config.ts';
import { quantile } from '../lib/statistics.ts';

const { values: options } = parseArgs({
  options: { 'warm-up': { type: 'string', default: '5000' }, rounds: { type: 'string', default: '200' } },
});
const warmUp = Number(options['warm-up']);
const rounds = Number(options.rounds);
const callsEach = 20;
const millisBetween = 1_000 / 150;
const callee = 'sip:600@pbx.test';

const scenario = new Scenario({
  limits: 'concurrent_calls = 1000\ntotal_calls = 10000',
  alice: 'algorithms = ["MD5"]',
});
const { wire, scheduler } = scenario;
const phone = scenario.phone('alice');
const { flow: phoneFlow } = phone;
const { flow: pbxFlow } = scenario.pbx;
const toPhone: string[] = [];
const toPbx: string[] = [];
wire.send = (message, to, onResult) => {
  const flow = to.kind === 'flow' ? to.flow : pbxFlow;
  const text = Buffer.from(serializeMessage(message)).toString('latin1');
  (flow === phoneFlow ? toPhone : toPbx).push(text);
  onResult(undefined, flow);
};

let serial = 0;
for (; serial < warmUp; serial += 1) await oneCall(serial);
const own: number[] = [];
const all: number[] = [];
const allocated: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  const before = { own: process.threadCpuUsage(), all: process.cpuUsage(), heap: process.memoryUsage().heapUsed };
  for (const end = serial + callsEach; serial < end; serial += 1) await oneCall(serial);
  own.push(millisOf(process.threadCpuUsage(), before.own) / callsEach);
  all.push(millisOf(process.cpuUsage(), before.all) / callsEach);
  // A round is short enough that most of them see no collection; one that does frees more than it takes.
  const kilobytes = (process.memoryUsage().heapUsed - before.heap) / 1_024 / callsEach;
  if (kilobytes > 0) allocated.push(kilobytes);
}
process.stdout.write(
  `ms a call, best tenth and median of ${rounds} rounds: own thread ${spread(own)}, with the threads of V8 ${spread(all)}\n` +
    `KB allocated a call: ${quantile(
      allocated.toSorted((a, b) => a - b),
      0.5,
    ).toFixed(1)}\n`,
);
// What the fake peers never end (probes, sessions of the last calls) is of no interest.
process.exit(0);

function millisOf(now: NodeJS.CpuUsage, before: NodeJS.CpuUsage): number {
  return (now.user - before.user + now.system - before.system) / 1_000;
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return `${quantile(sorted, 0.1).toFixed(3)} / ${quantile(sorted, 0.5).toFixed(3)}`;
}

async function oneCall(serial: number): Promise<void> {
  fromPhone('INVITE', callee, serial, 11, `<${callee}>`, '', offer(serial));
  const challenge = await eventually(toPhone, 'SIP/2.0 401');
  const to = fieldOf(challenge, 'To');
  fromPhone('ACK', callee, serial, 11, to, '', '');
  fromPhone('INVITE', callee, serial, 12, `<${callee}>`, authorization(challenge, serial), offer(serial));
  const invite = await eventually(toPbx, 'INVITE ');
  fromPbx(invite, '180 Ringing', serial, '');
  fromPbx(invite, '200 OK', serial, answer(serial));
  const accepted = await eventually(toPhone, 'SIP/2.0 200');
  const target = between(fieldOf(accepted, 'Contact'), '<', '>');
  const remote = fieldOf(accepted, 'To');
  fromPhone('ACK', target, serial, 12, remote, '', '');
  await eventually(toPbx, 'ACK ');
  fromPhone('BYE', target, serial, 13, remote, '', '');
  const bye = await eventually(toPbx, 'BYE ');
  fromPbx(bye, '200 OK', serial, '');
  await eventually(toPhone, 'SIP/2.0 200');
  await new Promise(setImmediate);
  scheduler.advance(millisBetween);
  forget();
}

/** What scenarios keep for their tests to see. */
function forget(): void {
  scenario.records.length = 0;
  scenario.logged.length = 0;
  scenario.media.sessions.length = 0;
  toPhone.length = 0;
  toPbx.length = 0;
}

function fromPhone(
  method: string,
  uri: string,
  serial: number,
  cseq: number,
  to: string,
  more: string,
  body: string,
): void {
  const { address, port } = phoneFlow.remote;
  const text =
    `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/TLS ${address}:${port};branch=z9hG4bK-7-${serial}-${cseq}-${method === 'ACK' && cseq === 11 ? 'INVITE' : method};rport\r\n` +
    `Max-Forwards: 70\r\nFrom: <sip:alice@pbx.test>;tag=i7-${serial}\r\nTo: ${to}\r\nCall-ID: ${serial}-7@${address}\r\n` +
    `CSeq: ${cseq} ${method}\r\nContact: <sip:alice@${address}:${port};transport=tls>\r\n${more}` +
    `${body === '' ? '' : 'Content-Type: application/sdp\r\n'}Content-Length: ${body.length}\r\n\r\n${body}`;
  receive(text, phoneFlow);
}

function fromPbx(request: string, status: string, serial: number, body: string): void {
  const to = fieldOf(request, 'To');
  const text =
    `SIP/2.0 ${status}\r\nVia: ${fieldOf(request, 'Via')}\r\nFrom: ${fieldOf(request, 'From')}\r\n` +
    `To: ${to.includes(';tag=') ? to : `${to};tag=p${serial}`}\r\nCall-ID: ${fieldOf(request, 'Call-ID')}\r\nCSeq: ${fieldOf(request, 'CSeq')}\r\n` +
    `Contact: <sip:10.0.0.5:5060;transport=UDP>\r\n${body === '' ? '' : 'Content-Type: application/sdp\r\n'}` +
    `Content-Length: ${body.length}\r\n\r\n${body}`;
  receive(text, pbxFlow);
}

function receive(text: string, flow: Flow): void {
  const parsed = parseMessage(Buffer.from(text, 'latin1'));
  if (!parsed.ok) throw new Error(parsed.error.detail);
  wire.handUp(parsed.value, flow);
}

async function eventually(inbox: string[], start: string): Promise<string> {
  for (let turn = 0; turn < 20; turn += 1) {
    const found = inbox.findIndex((text) => text.startsWith(start));
    if (found >= 0) return inbox.splice(0, found + 1)[found] ?? '';
    await new Promise(setImmediate);
    scheduler.advance(0);
  }
  throw new Error(`no ${start}: ${inbox.join('\n')} ${JSON.stringify(scenario.logged.slice(-3))}`);
}

function fieldOf(text: string, name: string): string {
  return between(text, `\r\n${name}: `, '\r\n');
}

function between(text: string, before: string, after: string): string {
  const start = text.indexOf(before) + before.length;
  return text.slice(start, text.indexOf(after, start));
}

function authorization(challenge: string, serial: number): string {
  const nonce = between(challenge, 'nonce="', '"');
  const realm = between(challenge, 'realm="', '"');
  const ha1 = hash('md5', `alice:${realm}:${passwords['alice'] ?? ''}`);
  const cnonce = serial.toString(16);
  const response = hash('md5', `${ha1}:${nonce}:00000001:${cnonce}:auth:${hash('md5', `INVITE:${callee}`)}`);
  return `Authorization: Digest username="alice",realm="${realm}",cnonce="${cnonce}",nc=00000001,qop=auth,uri="${callee}",nonce="${nonce}",response="${response}",algorithm=MD5\r\n`;
}

function offer(serial: number): string {
  return `${description(serial, phoneFlow.remote.address, 'RTP/SAVP')}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, serial).toString('base64')}\r\na=ptime:20\r\na=sendrecv\r\n`;
}

function answer(serial: number): string {
  return description(serial, '10.0.0.5', 'RTP/AVP');
}

function description(serial: number, address: string, profile: string): string {
  return `v=0\r\no=- ${serial} 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${20_000 + 2 * (serial % 1000)} ${profile} 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n`;
}
