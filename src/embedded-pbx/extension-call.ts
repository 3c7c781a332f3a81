// A call to an extension that answers by itself. What it plays or echoes is agreed by offer and answer (RFC 3264 §6).
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { err, ok, type Result } from '../core/result.ts';
import { classifyAddress } from '../media/sdp/address-check.ts';
import { SdpLeg } from '../media/sdp/sdp-leg.ts';
import { defaultSdpPolicy, type SdpPolicy } from '../media/sdp/sdp-policy.ts';
import type { MediaDescription, SessionDescription } from '../media/sdp/session-description.ts';
import type { Body, IncomingCall, IncomingReinvite } from '../sip/user-agent/session.ts';
import { AudioLine, type AudioLineParts } from './audio-line.ts';
import { type G711, g711PayloadTypes } from './g711.ts';

export type Extension = 'echo' | 'tone';

export interface ExtensionCallParts extends AudioLineParts {
  /** Where its media is bound. */
  readonly mediaAddress: string;
  readonly logger: Logger;
}

/** A call that the PBX is part of. */
export interface PbxCall {
  /** Sends BYE, or refuses what is not answered. */
  end(): void;
}

const sdpContentType = 'application/sdp';

/** Plain RTP towards loopback: everything else is refused where the answer is made. */
const policy: SdpPolicy = {
  ...defaultSdpPolicy,
  encryption: 'off',
  secureSignalling: false,
  suites: [],
  allowedAddresses: 'any',
};

export class ExtensionCall implements PbxCall {
  readonly #call: IncomingCall;
  readonly #extension: Extension;
  readonly #parts: ExtensionCallParts;
  readonly #onEnded: () => void;
  readonly #leg: SdpLeg;
  #line: AudioLine | undefined;
  #hangUp = (): void => this.#refuse(480);
  #isOver = false;

  constructor(call: IncomingCall, extension: Extension, parts: ExtensionCallParts, onEnded: () => void) {
    this.#call = call;
    this.#extension = extension;
    this.#parts = parts;
    this.#onEnded = onEnded;
    this.#leg = new SdpLeg({ policy, random: parts.random });
    const over = (): void => this.#over();
    call.handlers = { onCancelled: over, onFlowLost: over, onSilent: over };
  }

  /** Rings, opens its media and answers. */
  begin(): void {
    this.#call.progress(180);
    AudioLine.open(this.#parts.mediaAddress, this.#parts).then(
      (line) => this.#opened(line),
      (thrown: unknown) => {
        this.#parts.logger.error('extension-failed', { error: messageOf(thrown) });
        this.#refuse(503);
      },
    );
  }

  end(): void {
    this.#hangUp();
    this.#line?.close();
  }

  #opened(line: AudioLine): void {
    if (this.#isOver) {
      line.close();
      return;
    }
    this.#line = line;
    const { request } = this.#call;
    const answer = this.#answer(request.body, line);
    if (!answer.ok) {
      this.#refuse(answer.error);
      return;
    }
    const session = this.#call.answer(
      { body: answer.value.body },
      {
        onReinvite: (reinvite) => this.#onReinvite(reinvite, line),
        onAck: () => {},
        onEnded: () => this.#over(),
      },
    );
    const hangUp = (): void => session.bye();
    this.#hangUp = hangUp;
    if (this.#extension === 'echo') line.echo();
    else line.play(answer.value.law);
  }

  #onReinvite(reinvite: IncomingReinvite, line: AudioLine): void {
    const answer = this.#answer(reinvite.request.body, line);
    if (answer.ok) reinvite.accept({ body: answer.value.body });
    else reinvite.reject(answer.error);
  }

  /** The answer to an offer, in force from now on; or the status of its refusal, and nothing has changed. */
  #answer(offer: Uint8Array, line: AudioLine): Result<{ readonly body: Body; readonly law: G711 }, number> {
    if (offer.length === 0) return err(488);
    const received = this.#leg.receiveOffer(offer);
    if (!received.ok) return err(received.error.status);
    const index = received.value.media.findIndex(({ kind, accepted }) => kind === 'audio' && accepted);
    const audio = received.value.media[index];
    const law = audio === undefined ? undefined : lawOf(audio);
    if (audio === undefined || (law === undefined && this.#extension === 'tone')) return this.#noAnswer(488);
    const description = answerTo(received.value, index, this.#extension === 'tone' ? law : undefined);
    const locals = received.value.media.map((_, at) =>
      at === index ? { address: this.#parts.mediaAddress, rtpPort: line.rtpPort, rtcpPort: line.rtcpPort } : undefined,
    );
    const bytes = this.#leg.createAnswer(description, locals);
    const remote = this.#leg.remotes()[index];
    if (remote === undefined || (remote.sending && classifyAddress(remote.rtp.address) !== 'loopback')) {
      return this.#noAnswer(488);
    }
    this.#leg.commit();
    line.setRemote(remote);
    return ok({ body: { contentType: sdpContentType, bytes }, law: law ?? 'PCMA' });
  }

  #noAnswer(status: number): { readonly ok: false; readonly error: number } {
    this.#leg.rollback();
    return err(status);
  }

  #refuse(status: number): void {
    if (this.#isOver) return;
    this.#call.reject(status);
    this.#over();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#line?.close();
    this.#onEnded();
  }
}

/** The first law that a line offers under its static payload type. */
function lawOf({ formats }: MediaDescription): G711 | undefined {
  const laws: readonly G711[] = ['PCMA', 'PCMU'];
  const offered = laws.filter((law) => formats.includes(String(g711PayloadTypes[law])));
  return offered.toSorted((a, b) => formats.indexOf(textOf(a)) - formats.indexOf(textOf(b)))[0];
}

function textOf(law: G711): string {
  return String(g711PayloadTypes[law]);
}

/** Line `index` alone is taken: with what was offered, or with `law` only. */
function answerTo(offer: SessionDescription, index: number, law: G711 | undefined): SessionDescription {
  const media = offer.media.map((line, at): MediaDescription => {
    if (at !== index) return { ...line, accepted: false };
    if (law === undefined) return { ...line, direction: 'sendrecv' };
    const attributes = [
      { name: 'rtpmap', value: `${textOf(law)} ${law}/8000` },
      { name: 'ptime', value: '20' },
    ];
    return { ...line, direction: 'sendrecv', formats: [textOf(law)], attributes };
  });
  return { ...offer, media };
}
