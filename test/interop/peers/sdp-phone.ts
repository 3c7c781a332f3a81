// A phone whose media somebody else has: it signals over TLS with digest, and asks for each SDP of its own.
import { readFileSync } from 'node:fs';
import { systemClock } from '../../../src/core/clock.ts';
import { messageOf } from '../../../src/core/errors.ts';
import { SystemScheduler } from '../../../src/core/scheduler.ts';
import type { Body, IncomingReinvite, Session, SessionHandlers } from '../../../src/sip/user-agent/session.ts';
import { type MediaCall, Phone } from '../../support/phone.ts';
import { PORTCULLIS_TLS_PORT } from './portcullis.ts';

/** Who describes the media of one call. */
export interface Describer {
  offer(): Promise<string>;
  /** The peer's answer to the offer. */
  onAnswer(answer: string): Promise<void>;
  answerTo(offer: string): Promise<string>;
}

export interface SdpPhoneOptions {
  readonly user: string;
  readonly password: string;
  readonly domain: string;
  /** Where it speaks from; its media is believed to be there too. */
  readonly address: string;
  /** Address of the SBC. */
  readonly sbc: string;
  /** Path of the authority's certificate. */
  readonly authority: string;
}

export class SdpPhone {
  readonly #phone: Phone<SdpCall>;
  readonly #next: NextDescriber;

  private constructor(phone: Phone<SdpCall>, next: NextDescriber) {
    this.#phone = phone;
    this.#next = next;
  }

  /** Starts it and registers it. */
  static async start(options: SdpPhoneOptions): Promise<SdpPhone> {
    const { user, password, domain, address, sbc, authority } = options;
    const next = new NextDescriber();
    const phone = await Phone.with(
      {
        name: user,
        domain,
        password,
        address,
        transport: 'tls',
        sbc: { address: sbc, port: PORTCULLIS_TLS_PORT },
        trust: { ca: readFileSync(authority, 'utf8'), serverName: domain },
        scheduler: new SystemScheduler(systemClock, (thrown) =>
          process.stderr.write(`${user}: ${messageOf(thrown)}\n`),
        ),
      },
      () => Promise.resolve(new SdpCall(next.describer)),
    );
    const status = await phone.register();
    if (status !== 200) throw new Error(`${user} is not registered: ${status}`);
    return new SdpPhone(phone, next);
  }

  /** Calls somebody, and resolves once the answer is in force. */
  async call(user: string, describer: Describer): Promise<SdpCall> {
    this.#next.describer = describer;
    const call = await this.#phone.call(user).answered;
    await call.described;
    return call;
  }

  /** Answers the next call. */
  async answer(describer: Describer): Promise<SdpCall> {
    const ring = await this.#phone.nextCall();
    this.#next.describer = describer;
    return ring.answer();
  }

  stop(): void {
    this.#phone.close();
  }
}

/** Of the call that is made or answered next. */
class NextDescriber {
  #describer: Describer | undefined;

  get describer(): Describer {
    if (this.#describer === undefined) throw new Error('nobody describes the media of the call');
    return this.#describer;
  }

  set describer(describer: Describer) {
    this.#describer = describer;
  }
}

export class SdpCall implements MediaCall {
  readonly handlers: SessionHandlers;
  readonly ended: Promise<void>;
  readonly #describer: Describer;
  #session: Session | undefined;
  #described: Promise<void> = Promise.resolve();

  constructor(describer: Describer) {
    this.#describer = describer;
    let tellEnded = (): void => {};
    this.ended = new Promise((resolve) => {
      tellEnded = resolve;
    });
    this.handlers = {
      onReinvite: (reinvite: IncomingReinvite) => reinvite.reject(488),
      onAck: () => {},
      onEnded: () => tellEnded(),
    };
  }

  /** The answer reached whoever describes. */
  get described(): Promise<void> {
    return this.#described;
  }

  async offer(): Promise<Body> {
    return sdp(await this.#describer.offer());
  }

  answered(session: Session, body: Uint8Array): void {
    this.#session = session;
    session.ack();
    this.#described = this.#describer.onAnswer(Buffer.from(body).toString());
  }

  async answerTo(offer: Uint8Array): Promise<Body> {
    return sdp(await this.#describer.answerTo(Buffer.from(offer).toString()));
  }

  opened(session: Session): void {
    this.#session = session;
  }

  abandon(): void {}

  async hangUp(): Promise<void> {
    this.#session?.bye();
    await this.ended;
  }
}

function sdp(text: string): Body {
  return { contentType: 'application/sdp', bytes: Buffer.from(text) };
}
