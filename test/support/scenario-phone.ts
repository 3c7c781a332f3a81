// A scripted phone of a user: digest (RFC 8760), registration over its own flow, SDP with SRTP keys.
import { DigestClient } from '../../src/sip/auth/digest-client.ts';
import type { SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import { SeededRandom } from './fake-time.ts';
import { passwords } from './scenario-config.ts';
import { type CallerLeg, type CallOptions, type Field, Peer, PeerLeg, type PeerParts } from './scenario-peer.ts';
import { cryptoLine, cryptoOf, sdp } from './scenario-sdp.ts';

export type InviteOptions = Partial<CallOptions>;

let phones = 0;

export class ScenarioPhone extends Peer {
  readonly credentials: DigestClient;
  readonly #mediaPort: number;
  readonly #filler: number;
  #registrations = 0;

  constructor(parts: PeerParts) {
    super(parts);
    phones += 1;
    const { name } = parts;
    this.#mediaPort = 50_000 + ((2 * parts.flow.remote.port) % 10_000);
    this.#filler = 1 + (phones % 200);
    this.credentials = new DigestClient(
      { username: name, password: passwords[name] ?? 'none' },
      new SeededRandom(phones),
    );
  }

  get aor(): string {
    return `sip:${this.name}@pbx.test`;
  }

  /** Its own description: SRTP with a key of its own. */
  offer(
    options: {
      readonly direction?: string;
      readonly version?: number;
      readonly key?: number;
      readonly port?: number;
    } = {},
  ): string {
    const { key = this.#filler, port = this.#mediaPort, ...rest } = options;
    return sdp({ address: this.flow.remote.address, port, crypto: cryptoLine(key), ...rest });
  }

  /** Its answer to an offer of the SBC. */
  answer(
    offer: Uint8Array,
    options: { readonly direction?: string; readonly version?: number; readonly key?: number } = {},
  ): string {
    const tag = cryptoOf(offer)?.tag ?? '1';
    const { key = this.#filler, ...rest } = options;
    return sdp({ address: this.flow.remote.address, port: this.#mediaPort, crypto: cryptoLine(key, tag), ...rest });
  }

  /** Registers with digest; resolves with the final response. */
  /** The q that it registers with. */
  q: string | undefined;

  async register(
    fields: readonly Field[] = [['Expires', '3600']],
    credentials = this.credentials,
  ): Promise<SipResponse> {
    await this.startRegister(fields, credentials);
    const response = this.inbox.shift();
    if (response?.kind !== 'response') throw new Error('expected an answer to REGISTER');
    return response;
  }

  /** Sends a REGISTER with digest; its answer is for the test to take. */
  async startRegister(fields: readonly Field[] = [['Expires', '3600']], credentials = this.credentials): Promise<void> {
    const leg = new PeerLeg(this, {
      callId: `register-${this.name}-${this.flow.id}`,
      local: `<${this.aor}>`,
      remote: `<${this.aor}>`,
      localTag: `register-${this.name}`,
      remoteTag: '',
      target: 'sip:pbx.test',
      sequence: this.#registrations,
    });
    const contact: Field = ['Contact', this.q === undefined ? this.contact : `${this.contact};q=${this.q}`];
    const first = await leg.send('REGISTER', { fields: [contact, ...fields] });
    const challenge = this.takeResponse(401, 'REGISTER');
    const answer = credentials.answer(first, challenge);
    if (!answer.ok) throw new Error(answer.error);
    const { header, value } = answer.value;
    await leg.send('REGISTER', { fields: [contact, ...fields, [header, value]] });
    this.#registrations = leg.state.sequence;
  }

  /** An INVITE with digest: the challenge is taken and answered, the second INVITE is out. */
  async invite(user: string, options: InviteOptions = {}): Promise<CallerLeg> {
    const leg = this.dial(user, options);
    await this.send(leg.invite);
    await this.authenticate(leg, options.fields);
    return leg;
  }

  /** An INVITE that is not sent yet. */
  dial(user: string, { uri = `sip:${user}@pbx.test`, ...options }: InviteOptions = {}): CallerLeg {
    return this.newCall({ uri, from: `<${this.aor}>`, body: this.offer(), ...options });
  }

  /** Takes the 401 of an INVITE and sends it again with credentials. */
  async authenticate(leg: CallerLeg, fields: readonly Field[] = []): Promise<void> {
    const challenge = await leg.takeRefusal(401);
    await this.send(this.signed(leg, challenge, fields));
  }

  /** The INVITE again with credentials, not yet sent. */
  signed(leg: CallerLeg, challenge: SipResponse, fields: readonly Field[] = []): SipRequest {
    const answer = this.credentials.answer(leg.invite, challenge);
    if (!answer.ok) throw new Error(answer.error);
    const { header, value } = answer.value;
    const { body } = leg.invite;
    leg.invite = leg.request('INVITE', {
      body: body.length === 0 ? undefined : Buffer.from(body).toString('latin1'),
      fields: [...fields, [header, value]],
    });
    return leg.invite;
  }
}
