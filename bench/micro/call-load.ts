// Calls for the composed SBC of scenarios, made of text: every one is challenged, answered inside and hung up by its caller. For
// programs that measure what the signalling of a call costs without kernel, TLS and media workers.
import { hash } from 'node:crypto';
import { parseMessage } from '../../src/sip/message/parser.ts';
import { serializeMessage } from '../../src/sip/message/serializer.ts';
import type { Flow } from '../../src/sip/transport/transport.ts';
import { Scenario, type ScenarioOptions } from '../../test/support/scenario.ts';
import { passwords } from '../../test/support/scenario-config.ts';

/** Time passes as at 150 calls a second, so that ended transactions linger as they do in service. */
export const millisBetween = 1_000 / 150;
const callee = 'sip:600@pbx.test';

/** A call that was answered: what its caller needs to end it. */
interface Standing {
  readonly target: string;
  readonly remote: string;
}

export class CallLoad {
  readonly #scenario: Scenario;
  readonly #phoneFlow: Flow;
  readonly #pbxFlow: Flow;
  readonly #toPhone: string[] = [];
  readonly #toPbx: string[] = [];
  readonly #standing = new Map<number, Standing>();

  constructor(options: ScenarioOptions = {}) {
    this.#scenario = new Scenario({
      limits: 'concurrent_calls = 1000\ntotal_calls = 10000',
      alice: 'algorithms = ["MD5"]',
      ...options,
    });
    const { wire } = this.#scenario;
    this.#phoneFlow = this.#scenario.phone('alice').flow;
    this.#pbxFlow = this.#scenario.pbx.flow;
    wire.send = (message, to, onResult) => {
      const flow = to.kind === 'flow' ? to.flow : this.#pbxFlow;
      const text = Buffer.from(serializeMessage(message)).toString('latin1');
      (flow === this.#phoneFlow ? this.#toPhone : this.#toPbx).push(text);
      onResult(undefined, flow);
    };
  }

  /** Begins call number `serial` and ends the one that began `standing` calls before. */
  async one(serial: number, standing = 0): Promise<void> {
    await this.#begin(serial);
    await this.#end(serial - standing);
    await new Promise(setImmediate);
    this.#scenario.scheduler.advance(millisBetween);
    this.#forget();
  }

  /** Time passes. */
  advance(millis: number): void {
    this.#scenario.scheduler.advance(millis);
  }

  async #begin(serial: number): Promise<void> {
    this.#fromPhone('INVITE', callee, serial, 11, `<${callee}>`, '', this.#offer(serial));
    const challenge = await this.#eventually(this.#toPhone, 'SIP/2.0 401');
    const to = fieldOf(challenge, 'To');
    this.#fromPhone('ACK', callee, serial, 11, to, '', '');
    const credentials = authorization(challenge, serial);
    this.#fromPhone('INVITE', callee, serial, 12, `<${callee}>`, credentials, this.#offer(serial));
    const invite = await this.#eventually(this.#toPbx, 'INVITE ');
    this.#fromPbx(invite, '180 Ringing', serial, '');
    this.#fromPbx(invite, '200 OK', serial, answer(serial));
    const accepted = await this.#eventually(this.#toPhone, 'SIP/2.0 200');
    const target = between(fieldOf(accepted, 'Contact'), '<', '>');
    const remote = fieldOf(accepted, 'To');
    this.#fromPhone('ACK', target, serial, 12, remote, '', '');
    await this.#eventually(this.#toPbx, 'ACK ');
    this.#standing.set(serial, { target, remote });
  }

  async #end(serial: number): Promise<void> {
    const call = this.#standing.get(serial);
    if (call === undefined) return;
    this.#standing.delete(serial);
    this.#fromPhone('BYE', call.target, serial, 13, call.remote, '', '');
    const bye = await this.#eventually(this.#toPbx, 'BYE ');
    this.#fromPbx(bye, '200 OK', serial, '');
    await this.#eventually(this.#toPhone, 'SIP/2.0 200');
  }

  /** What scenarios keep for their tests to see. */
  #forget(): void {
    this.#scenario.records.length = 0;
    this.#scenario.dialogs.length = 0;
    this.#scenario.logged.length = 0;
    this.#scenario.media.sessions.length = 0;
    this.#toPhone.length = 0;
    this.#toPbx.length = 0;
  }

  #fromPhone(method: string, uri: string, serial: number, cseq: number, to: string, more: string, body: string): void {
    const { address, port } = this.#phoneFlow.remote;
    const text =
      `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/TLS ${address}:${port};branch=z9hG4bK-7-${serial}-${cseq}-${method === 'ACK' && cseq === 11 ? 'INVITE' : method};rport\r\n` +
      `Max-Forwards: 70\r\nFrom: <sip:alice@pbx.test>;tag=i7-${serial}\r\nTo: ${to}\r\nCall-ID: ${serial}-7@${address}\r\n` +
      `CSeq: ${cseq} ${method}\r\nContact: <sip:alice@${address}:${port};transport=tls>\r\n${more}` +
      `${body === '' ? '' : 'Content-Type: application/sdp\r\n'}Content-Length: ${body.length}\r\n\r\n${body}`;
    this.#receive(text, this.#phoneFlow);
  }

  #fromPbx(request: string, status: string, serial: number, body: string): void {
    const to = fieldOf(request, 'To');
    const text =
      `SIP/2.0 ${status}\r\nVia: ${fieldOf(request, 'Via')}\r\nFrom: ${fieldOf(request, 'From')}\r\n` +
      `To: ${to.includes(';tag=') ? to : `${to};tag=p${serial}`}\r\nCall-ID: ${fieldOf(request, 'Call-ID')}\r\nCSeq: ${fieldOf(request, 'CSeq')}\r\n` +
      `Contact: <sip:10.0.0.5:5060;transport=UDP>\r\n${body === '' ? '' : 'Content-Type: application/sdp\r\n'}` +
      `Content-Length: ${body.length}\r\n\r\n${body}`;
    this.#receive(text, this.#pbxFlow);
  }

  #receive(text: string, flow: Flow): void {
    const parsed = parseMessage(Buffer.from(text, 'latin1'));
    if (!parsed.ok) throw new Error(parsed.error.detail);
    this.#scenario.wire.handUp(parsed.value, flow);
  }

  async #eventually(inbox: string[], start: string): Promise<string> {
    for (let turn = 0; turn < 20; turn += 1) {
      const found = inbox.findIndex((text) => text.startsWith(start));
      if (found >= 0) return inbox.splice(0, found + 1)[found] ?? '';
      await new Promise(setImmediate);
      this.#scenario.scheduler.advance(0);
    }
    throw new Error(`no ${start}: ${inbox.join('\n')} ${JSON.stringify(this.#scenario.logged.slice(-3))}`);
  }

  #offer(serial: number): string {
    return `${description(serial, this.#phoneFlow.remote.address, 'RTP/SAVP')}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, serial).toString('base64')}\r\na=ptime:20\r\na=sendrecv\r\n`;
  }
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

function answer(serial: number): string {
  return description(serial, '10.0.0.5', 'RTP/AVP');
}

function description(serial: number, address: string, profile: string): string {
  return `v=0\r\no=- ${serial} 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${20_000 + 2 * (serial % 1000)} ${profile} 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n`;
}
