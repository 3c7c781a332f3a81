// The media side of one leg: its SDP state and the endpoint of each m-line. Pure; the call decides when to use it.
import type { Random } from '../../core/random.ts';
import type { EndpointRemote, EndpointSpec, OpenedEndpoint } from '../../media/plane/messages.ts';
import { type LocalMedia, SdpLeg, type SdpLegSnapshot } from '../../media/sdp/sdp-leg.ts';
import { offersDtls } from '../../media/sdp/sdp-policy.ts';
import type { SessionDescription } from '../../media/sdp/session-description.ts';
import type { MediaTerms, Party } from '../routing/target.ts';
import type { CallOutput, LegId } from './call-event.ts';

export interface LegSnapshot {
  readonly id: LegId;
  readonly party: Party;
  readonly terms: MediaTerms;
  readonly sdp: SdpLegSnapshot;
  readonly endpoints: readonly (OpenedEndpoint | undefined)[];
}

export class Leg {
  readonly #random: Random;
  readonly id: LegId;
  readonly party: Party;
  readonly terms: MediaTerms;
  readonly sdp: SdpLeg;
  /** By m-line; undefined where the line was refused and has no endpoint. */
  readonly endpoints: (OpenedEndpoint | undefined)[];

  constructor(id: LegId, party: Party, terms: MediaTerms, random: Random, from?: Pick<Leg, 'sdp' | 'endpoints'>) {
    this.id = id;
    this.party = party;
    this.terms = terms;
    this.sdp = from?.sdp ?? new SdpLeg({ policy: terms.sdp, random });
    this.endpoints = from?.endpoints ?? [];
    this.#random = random;
  }

  /** The same leg and endpoints as one of its early dialogs sees them. */
  withSdp(sdp: SdpLeg): Leg {
    return new Leg(this.id, this.party, this.terms, this.#random, { sdp, endpoints: this.endpoints });
  }

  /** A leg as it was when `snapshot` was taken. */
  static restore({ id, party, terms, sdp, endpoints }: LegSnapshot, random: Random): Leg {
    return new Leg(id, party, terms, random, { sdp: SdpLeg.restore(sdp, random), endpoints: [...endpoints] });
  }

  /** Holds keys: seal it. */
  snapshot(): LegSnapshot {
    const { id, party, terms, endpoints } = this;
    return { id, party, terms, sdp: this.sdp.snapshot(), endpoints: [...endpoints] };
  }

  /** What must still be opened so that each accepted m-line of `description` has an endpoint. */
  missing(description: SessionDescription): readonly EndpointSpec[] {
    return this.#missingLines(description).map((line) => ({
      address: this.terms.address.bind,
      rtcpMux: this.sdp.muxes(line),
      dtls: offersDtls(this.terms.sdp),
    }));
  }

  /** Puts freshly opened endpoints where `missing` asked for them. */
  opened(description: SessionDescription, endpoints: readonly OpenedEndpoint[]): void {
    for (const [order, line] of this.#missingLines(description).entries()) this.endpoints[line] = endpoints[order];
  }

  /** What our SDP shows of each m-line. */
  locals(): readonly (LocalMedia | undefined)[] {
    return Array.from(this.endpoints, (opened) =>
      opened === undefined
        ? undefined
        : { address: this.terms.address.advertise, rtpPort: opened.rtpPort, rtcpPort: opened.rtcpPort },
    );
  }

  /** After a complete exchange: what each endpoint must know of the peer. */
  remoteCommands(): readonly CallOutput[] {
    const commands: CallOutput[] = [];
    for (const [line, remote] of this.sdp.remotes().entries()) {
      const endpoint = this.endpoints[line]?.endpoint;
      if (endpoint !== undefined && remote !== undefined) commands.push({ type: 'set-remote', endpoint, remote });
    }
    return commands;
  }

  /** True when no m-line of this leg flows both ways. */
  isHeld(): boolean {
    const active = this.sdp.remotes().filter((remote): remote is EndpointRemote => remote !== undefined);
    return active.length > 0 && active.every((remote) => !remote.sending || !remote.receiving);
  }

  /** What protects this leg's media, for the call record. */
  encryption(line: number): string {
    const remote = this.sdp.remotes()[line];
    return remote?.receive?.suite ?? (remote?.dtls === undefined ? 'none' : 'DTLS');
  }

  #missingLines(description: SessionDescription): readonly number[] {
    return Array.from(description.media.keys()).filter(
      (line) => description.media[line]?.accepted === true && this.endpoints[line] === undefined,
    );
  }
}

/** Joins the endpoints of two legs, m-line by m-line. */
export function joinCommands(a: Leg, b: Leg): readonly CallOutput[] {
  const commands: CallOutput[] = [];
  for (const [line, opened] of a.endpoints.entries()) {
    const partner = b.endpoints[line];
    if (opened !== undefined && partner !== undefined) {
      commands.push({ type: 'join', a: opened.endpoint, b: partner.endpoint });
    }
  }
  return commands;
}

/** After a complete exchange on both: what the media must know. */
export function relay(caller: Leg, callee: Leg): readonly CallOutput[] {
  return [...caller.remoteCommands(), ...callee.remoteCommands(), ...joinCommands(caller, callee)];
}
