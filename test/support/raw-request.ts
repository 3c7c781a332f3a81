// SIP requests as text, to be bent by tests that attack; and digest for those that must be signed first.
import { systemRandom, token } from '../../src/core/random.ts';
import { DigestClient } from '../../src/sip/auth/digest-client.ts';
import type { SipResponse } from '../../src/sip/message/message.ts';
import { parseMessage } from '../../src/sip/message/parser.ts';

export interface RawRequest {
  readonly method: string;
  readonly uri: string;
  readonly from: string;
  readonly to: string;
  readonly callId: string;
  readonly cseq: number;
  readonly transport: 'UDP' | 'TLS';
  readonly via: string;
  readonly branch: string;
  readonly contact: string;
  /** Whole lines, without line ends. */
  readonly lines: readonly string[];
  readonly body: string;
}

/** A request that is as it must be but for what `part` says otherwise. */
export function rawRequest(part: Partial<RawRequest> = {}): RawRequest {
  const tag = token(systemRandom, 4);
  return {
    method: 'OPTIONS',
    uri: 'sip:600@pbx.test',
    from: `<sip:alice@pbx.test>;tag=${tag}`,
    to: '<sip:600@pbx.test>',
    callId: token(systemRandom, 12),
    cseq: 1,
    transport: 'UDP',
    via: 'attacker.invalid:5060',
    branch: `z9hG4bK${token(systemRandom, 8)}`,
    contact: '<sip:attacker@192.0.2.66>',
    lines: [],
    body: '',
    ...part,
  };
}

export function textOf(raw: RawRequest, authorization?: string): string {
  const { method, uri, from, to, callId, cseq, transport, via, branch, contact, lines, body } = raw;
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/${transport} ${via};branch=${branch};rport`,
    'Max-Forwards: 70',
    `From: ${from}`,
    `To: ${to}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: ${contact}`,
    ...lines,
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

/** The same request as a new transaction. */
export function again(raw: RawRequest): RawRequest {
  return { ...raw, cseq: raw.cseq + 1, branch: `z9hG4bK${token(systemRandom, 8)}` };
}

/** Signs requests as one user, each under the challenge that it is given. */
export class Signer {
  readonly #client: DigestClient;

  constructor(username: string, password: string) {
    this.#client = new DigestClient({ username, password }, systemRandom);
  }

  /** The value of Authorization for `raw`. */
  sign(raw: RawRequest, challenge: SipResponse): string {
    const request = parseMessage(Buffer.from(textOf(raw)));
    if (!request.ok || request.value.kind !== 'request') throw new Error('the request cannot be read');
    const answer = this.#client.answer(request.value, challenge);
    if (!answer.ok) throw new Error(answer.error);
    return answer.value.value;
  }
}

export interface RawSdp {
  readonly address: string;
  readonly port: number;
}

/** An offer of plain PCMA. */
export function plainOffer({ address, port }: RawSdp): string {
  return sdpText(address, [`m=audio ${port} RTP/AVP 8`]);
}

export function sdpText(address: string, media: readonly string[]): string {
  const lines = ['v=0', `o=- 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0', ...media];
  return `${lines.join('\r\n')}\r\n`;
}
