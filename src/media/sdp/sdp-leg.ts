// The SDP state of one leg: offer and answer (RFC 3264) either way, keys (RFC 4568), and the o= version.
// An exchange in progress touches nothing of the one in force before `commit`; `rollback` forgets it. What crosses to the
// other leg is a `SessionDescription`, so a late offer is the same exchange begun from the other side.

import { SbcError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { EndpointRemote } from '../plane/messages.ts';
import { activeAt, endpointRemoteOf } from './agreed-line.ts';
import { preferredCodecs } from './codec-policy.ts';
import type { SdpLegSnapshot, SdpLegState } from './leg-snapshot.ts';
import { buildAnswer, buildOffer, type Locals } from './offer-answer.ts';
import { judgeAnswer } from './receive-answer.ts';
import { judgeOffer } from './receive-offer.ts';
import { encodeSdp } from './sdp-lines.ts';
import { refusal, type SdpPolicy, type SdpRefusal } from './sdp-policy.ts';
import { mediaDescriptionOf, type SessionDescription, sessionDescriptionOf } from './session-description.ts';
import { parseWireDescription } from './wire-description.ts';
import { type OutgoingMedia, writeDescription } from './write-description.ts';

export type { SdpLegSnapshot } from './leg-snapshot.ts';
export type { SdpPolicy, SdpRefusal } from './sdp-policy.ts';
export type { LocalMedia } from './write-description.ts';

export interface SdpLegOptions {
  readonly policy: SdpPolicy;
  readonly random: Random;
  /** The number in our o= line; random when absent. */
  readonly sessionId?: string;
}

export class SdpLeg {
  readonly #random: Random;
  #state: SdpLegState;

  constructor({ policy, random, sessionId }: SdpLegOptions) {
    this.#random = random;
    this.#state = { policy, sessionId: sessionId ?? String(random.below(2 ** 47)), highestVersion: 0, committed: [] };
  }

  /** A leg as it was when `snapshot` was taken. Throws `SbcError` on a version that this program does not know. */
  static restore(snapshot: SdpLegSnapshot, random: Random): SdpLeg {
    const { v, ...state } = snapshot;
    if (v !== 1)
      throw new SbcError('sdp-snapshot-version', 'unknown version of an SDP snapshot', { version: String(v) });
    const leg = new SdpLeg({ policy: state.policy, random, sessionId: state.sessionId });
    leg.#state = state;
    return leg;
  }

  get policy(): SdpPolicy {
    return this.#state.policy;
  }

  /** `offer`: an offer, ours or the peer's, waits for its answer. `complete`: agreed, waits for `commit`. */
  get phase(): 'stable' | 'offer' | 'complete' {
    const { exchange } = this.#state;
    if (exchange === undefined) return 'stable';
    return exchange.agreed === undefined ? 'offer' : 'complete';
  }

  /** The peer's offer. Errors: 400, 488, or 491 while another exchange is not committed (RFC 3261 §14.2). */
  receiveOffer(body: Uint8Array): Result<SessionDescription, SdpRefusal> {
    const { policy, committed } = this.#state;
    if (this.#state.exchange !== undefined) return inProgress();
    const wire = parseWireDescription(body);
    if (!wire.ok) return wire;
    const received = judgeOffer(wire.value, { policy, random: this.#random, committed });
    if (!received.ok) return received;
    const media = wire.value.media.map((line, index) => {
      const judged = received.value[index];
      const described = mediaDescriptionOf(
        line,
        judged?.usable === true,
        judged?.usable ? judged.direction : 'inactive',
      );
      return described.accepted ? preferredCodecs(line.kind, described, policy) : described;
    });
    const remote = sessionDescriptionOf(wire.value, media);
    this.#state = { ...this.#state, exchange: { role: 'answerer', remote, received: received.value } };
    return ok(remote);
  }

  /**
   * Our answer to the peer's offer. It may be made again while the exchange is not committed (another fork answered): the
   * keys stay, and only other content gets another o= version. Throws `SbcError` when the peer offered nothing.
   */
  createAnswer(answer: SessionDescription, locals: Locals): Uint8Array {
    const { exchange, policy } = this.#state;
    if (exchange?.role !== 'answerer') throw new SbcError('sdp-no-offer', 'there is no offer to answer');
    const { media, agreed } = buildAnswer(exchange.received, answer, locals, { policy, offer: exchange.remote });
    this.#state = { ...this.#state, exchange: { ...exchange, agreed } };
    return this.#send(answer, media);
  }

  /** Our offer. Errors: 488 when policy leaves nothing to offer, 491 while another exchange is not committed. */
  createOffer(offer: SessionDescription, locals: Locals): Result<Uint8Array, SdpRefusal> {
    const { policy, committed } = this.#state;
    if (this.#state.exchange !== undefined) return inProgress();
    const built = buildOffer(offer, locals, { policy, random: this.#random, committed });
    if (!built.ok) return built;
    this.#state = { ...this.#state, exchange: { role: 'offerer', offered: built.value.offered } };
    return ok(this.#send(offer, built.value.media));
  }

  /** The peer's answer; a later one to the same offer replaces it until `commit`. Errors: 400, 488. */
  receiveAnswer(body: Uint8Array): Result<SessionDescription, SdpRefusal> {
    const { policy, committed, exchange } = this.#state;
    if (exchange?.role !== 'offerer')
      return err(refusal(488, 'answer-mismatch', 'no offer of ours waits for an answer'));
    const wire = parseWireDescription(body);
    if (!wire.ok) return wire;
    const judged = judgeAnswer(wire.value, { policy, offered: exchange.offered, committed });
    if (!judged.ok) return judged;
    const remote = sessionDescriptionOf(wire.value, judged.value.media);
    this.#state = { ...this.#state, exchange: { ...exchange, remote, agreed: judged.value.agreed } };
    return ok(remote);
  }

  /** What the peer described last, in the exchange in progress or in the one in force; no m-lines before it spoke. */
  remoteDescription(): SessionDescription {
    const { exchange, committedRemote } = this.#state;
    return exchange?.remote ?? committedRemote ?? { bandwidth: [], timing: ['0 0'], attributes: [], media: [] };
  }

  /** Whether RTP and RTCP of this m-line may share one port: the peer's offer says so, or both agreed before (RFC 5761). */
  muxes(line: number): boolean {
    const { exchange, committed } = this.#state;
    const received = exchange?.role === 'answerer' ? exchange.received[line] : undefined;
    if (received?.usable === true) return received.wantsMux;
    return activeAt(committed, line)?.rtcpMux ?? false;
  }

  /** What each endpoint must know of the peer, by m-line (undefined: port 0): of the complete exchange, else the one in force. */
  remotes(): readonly (EndpointRemote | undefined)[] {
    const { exchange, committed, policy } = this.#state;
    const lines = exchange?.agreed ?? committed;
    return lines.map((line) => (line.active ? endpointRemoteOf(line, policy) : undefined));
  }

  /** An independent copy, for one early dialog of an offer that forked: same offer, own answer. */
  fork(): SdpLeg {
    return SdpLeg.restore(this.snapshot(), this.#random);
  }

  /** The same description to the peer, of another media session: the o= line goes on, and nothing is agreed, no key either. */
  successor(): SdpLeg {
    const { policy, sessionId, highestVersion, originAddress } = this.#state;
    const leg = new SdpLeg({ policy, random: this.#random, sessionId });
    leg.#state = { policy, sessionId, highestVersion, originAddress, committed: [] };
    return leg;
  }

  /** The complete exchange comes into force; nothing happens without one. Throws `SbcError` while an answer is missing. */
  commit(): void {
    const { exchange, sent } = this.#state;
    if (exchange === undefined) return;
    if (exchange.agreed === undefined)
      throw new SbcError('sdp-no-answer', 'an offer without an answer cannot be committed');
    const { agreed, remote } = exchange;
    this.#state = {
      ...this.#state,
      committed: agreed,
      committedBody: sent,
      committedRemote: remote,
      exchange: undefined,
    };
  }

  /** Forgets the exchange in progress: addresses, keys and directions in force stay as they are. */
  rollback(): void {
    this.#state = { ...this.#state, exchange: undefined };
  }

  /** Holds keys: seal it. */
  snapshot(): SdpLegSnapshot {
    return { v: 1, ...this.#state };
  }

  /** The version grows only when the content is new; what was sent before keeps the version it had (RFC 3264 §8). */
  #send(session: SessionDescription, media: readonly OutgoingMedia[]): Uint8Array {
    const { sessionId, highestVersion, sent, committedBody } = this.#state;
    const open = media.find((line) => line.open);
    const originAddress = this.#state.originAddress ?? open?.local.address;
    const write = (version: number): string =>
      writeDescription({ sessionId, address: originAddress ?? '0.0.0.0' }, version, session, media);
    const repeated = [sent, committedBody].find((body) => body !== undefined && write(body.version) === body.text);
    const body = repeated ?? { version: highestVersion + 1, text: write(highestVersion + 1) };
    const newest = Math.max(highestVersion, body.version);
    this.#state = { ...this.#state, originAddress, sent: body, highestVersion: newest };
    return encodeSdp(body.text);
  }
}

function inProgress(): { readonly ok: false; readonly error: SdpRefusal } {
  return err(refusal(491, 'exchange-in-progress', 'another offer of this dialog is not settled'));
}
