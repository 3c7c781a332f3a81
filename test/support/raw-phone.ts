// A phone of alice's that says whatever a test likes, over UDP with plain RTP.
import type { SipResponse } from '../../src/sip/message/message.ts';
import type { AttackSite } from './attack-site.ts';
import type { RawDatagrams } from './raw-peer.ts';
import { again, plainOffer, type RawRequest, rawRequest, Signer, textOf } from './raw-request.ts';

export class RawPhone {
  readonly peer: RawDatagrams;
  readonly #site: AttackSite;
  readonly #signer: Signer;

  private constructor(peer: RawDatagrams, site: AttackSite) {
    this.peer = peer;
    this.#site = site;
    this.#signer = new Signer('alice', site.passwords.alice);
  }

  static async start(site: AttackSite): Promise<RawPhone> {
    return new RawPhone(await site.datagrams('127.0.0.1'), site);
  }

  get offer(): string {
    return plainOffer({ address: '127.0.0.1', port: 30_000 });
  }

  /** Sends the request signed. `bend` changes the text that is sent, not what was signed. */
  async send(raw: RawRequest, bend = (text: string): string => text): Promise<RawRequest> {
    const challenge = await this.answer(raw, textOf({ ...raw, body: '' }));
    const next = again(raw);
    await this.peer.send(bend(textOf(next, this.#signer.sign(next, challenge))), this.#site.udp);
    return next;
  }

  async answer(raw: RawRequest, text = textOf(raw)): Promise<SipResponse> {
    const answered = this.peer.inbox.response(raw.callId, this.peer.inbox.messages.length);
    await this.peer.send(text, this.#site.udp);
    return answered;
  }

  /** As her only phone. */
  async register(contact: string, lines: readonly string[] = []): Promise<void> {
    const register = { method: 'REGISTER', uri: 'sip:pbx.test', to: '<sip:alice@pbx.test>' };
    await this.ask(rawRequest({ ...register, contact: '*', lines: ['Expires: 0'] }));
    const { status } = await this.ask(rawRequest({ ...register, contact: `<${contact}>`, lines }));
    if (status !== 200) throw new Error(`REGISTER: ${status}`);
  }

  async ask(raw: RawRequest, bend = (text: string): string => text): Promise<SipResponse> {
    const from = this.peer.inbox.messages.length + 1;
    const sent = await this.send(raw, bend);
    return this.peer.inbox.response(sent.callId, from);
  }
}
