// A call of a test phone: SDP of its own leg, audio, hold, re-INVITE, hanging up.

import type { Random } from '../../src/core/random.ts';
import type { Result } from '../../src/core/result.ts';
import type { Direction } from '../../src/media/sdp/direction.ts';
import { SdpLeg } from '../../src/media/sdp/sdp-leg.ts';
import { defaultSdpPolicy, type SdpRefusal } from '../../src/media/sdp/sdp-policy.ts';
import type { SessionDescription } from '../../src/media/sdp/session-description.ts';
import { Headers } from '../../src/sip/message/headers.ts';
import type { Body, IncomingReinvite, Session, SessionEnd, SessionHandlers } from '../../src/sip/user-agent/session.ts';
import type { Heard, PhoneMedia } from './phone-media.ts';

export interface CallEnd {
  readonly cause: SessionEnd;
  /** The Reason header of the BYE. */
  readonly reason: string | undefined;
}

export class PhoneCall {
  readonly media: PhoneMedia;
  /** How and when it ended. */
  readonly ended: Promise<CallEnd>;
  readonly #leg: SdpLeg;
  #session: Session | undefined;
  #direction: Direction = 'sendrecv';
  #tellEnded: (end: CallEnd) => void = () => {};
  #isOver = false;
  #awaitsAnswer = false;
  #reinvites = 0;

  constructor(media: PhoneMedia, encryption: 'required' | 'off', random: Random) {
    this.media = media;
    const secure = encryption === 'required';
    this.#leg = new SdpLeg({
      policy: { ...defaultSdpPolicy, encryption, secureSignalling: secure, allowedAddresses: 'any' },
      random,
    });
    this.ended = new Promise((resolve) => {
      this.#tellEnded = resolve;
    });
  }

  /** The handlers of its session. */
  get handlers(): SessionHandlers {
    return {
      onReinvite: (reinvite) => this.#onReinvite(reinvite),
      onAck: (body) => {
        if (!this.#awaitsAnswer || body === undefined) return;
        this.#awaitsAnswer = false;
        this.#take(this.#leg.receiveAnswer(body.bytes));
        this.#commit();
      },
      // How far a transfer is; what became of it is seen by how the call ends.
      onRequest: ({ request, respond }) => respond(request.method === 'NOTIFY' ? 200 : 405),
      onEnded: (cause, request) => this.over({ cause, reason: request?.headers.get('Reason') }),
    };
  }

  /** re-INVITEs of the peer that were accepted. */
  get reinvites(): number {
    return this.#reinvites;
  }

  get heard(): Heard {
    return this.media.heard;
  }

  /** Replaces of an INVITE that is to take its place (RFC 3891): the other side's tag is the To-tag there. */
  get replaces(): string {
    const dialog = this.#session?.snapshot().dialog;
    if (dialog === undefined) throw new Error('the call is not answered');
    return `${dialog.callId};to-tag=${dialog.remoteTag};from-tag=${dialog.localTag}`;
  }

  offer(): Body {
    const made = this.#leg.createOffer(description(this.#direction), [this.#local]);
    if (!made.ok) throw new Error(made.error.detail);
    return sdp(made.value);
  }

  /** The answer to our offer, in force from now on. */
  answered(session: Session, body: Uint8Array): void {
    this.#session = session;
    session.ack();
    this.#take(this.#leg.receiveAnswer(body));
    this.#commit();
  }

  /** The answer to the peer's offer, in force from now on. */
  answerTo(offer: Uint8Array): Body {
    this.#take(this.#leg.receiveOffer(offer));
    const body = this.#leg.createAnswer(description('sendrecv'), [this.#local]);
    this.#commit();
    return sdp(body);
  }

  opened(session: Session): void {
    this.#session = session;
  }

  abandon(): void {
    this.media.close();
  }

  talk(packets: number): Promise<void> {
    return this.media.talk(packets);
  }

  /** Puts the other side on hold: we go on sending, and hear nothing. */
  hold(): Promise<number> {
    return this.#reinvite('sendonly');
  }

  resume(): Promise<number> {
    return this.#reinvite('sendrecv');
  }

  /** Asks for the other side of this call to be put through there (RFC 3515). Resolves with the status of the answer. */
  refer(to: string): Promise<number> {
    const session = this.#session;
    if (session === undefined) throw new Error('the call is not answered');
    return new Promise((resolve) => {
      session.request(
        'REFER',
        { headers: Headers.of(['Refer-To', to]) },
        { onFinal: ({ status }) => resolve(status), onFailed: ({ status }) => resolve(status) },
      );
    });
  }

  hangUp(headers?: Headers): Promise<CallEnd> {
    this.#session?.bye(headers);
    return this.ended;
  }

  over(end: CallEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.media.close();
    this.#tellEnded(end);
  }

  get #local(): { readonly address: string; readonly rtpPort: number; readonly rtcpPort: undefined } {
    const { address, port } = this.media.local;
    return { address, rtpPort: port, rtcpPort: undefined };
  }

  /** Resolves with the final status. */
  #reinvite(direction: Direction): Promise<number> {
    const before = this.#direction;
    this.#direction = direction;
    const session = this.#session;
    if (session === undefined) throw new Error('the call is not answered');
    return new Promise((resolve) => {
      session.reinvite(this.offer(), {
        onAnswered: (response) => {
          session.ack();
          this.#take(this.#leg.receiveAnswer(response.body));
          this.#commit();
          resolve(response.status);
        },
        onFailed: ({ status }) => {
          this.#direction = before;
          this.#leg.rollback();
          resolve(status);
        },
      });
    });
  }

  #onReinvite(reinvite: IncomingReinvite): void {
    this.#reinvites += 1;
    // Without an offer it asks for ours; ACK brings the answer.
    this.#awaitsAnswer = reinvite.request.body.length === 0;
    if (this.#awaitsAnswer) reinvite.accept({ body: this.offer() });
    else reinvite.accept({ body: this.answerTo(reinvite.request.body) });
  }

  #take(result: Result<SessionDescription, SdpRefusal>): void {
    if (!result.ok) throw new Error(`${result.error.status} ${result.error.reason}: ${result.error.detail}`);
  }

  #commit(): void {
    this.#leg.commit();
    const [remote] = this.#leg.remotes();
    if (remote !== undefined) this.media.setRemote(remote);
  }
}

function sdp(bytes: Uint8Array): Body {
  return { contentType: 'application/sdp', bytes };
}

function description(direction: Direction): SessionDescription {
  return {
    bandwidth: [],
    timing: ['0 0'],
    attributes: [],
    media: [
      {
        kind: 'audio',
        accepted: true,
        protocol: 'RTP/AVP',
        formats: ['8'],
        direction,
        bandwidth: [],
        attributes: [
          { name: 'rtpmap', value: '8 PCMA/8000' },
          { name: 'ptime', value: '20' },
        ],
        renumbered: [],
      },
    ],
  };
}
