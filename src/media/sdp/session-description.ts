// What may cross from one leg to the other: codecs, directions, bandwidth, and attributes by allow-list. By construction it
// holds no address, port, key, user or product name, so nothing of one side can be seen from the other (RFC 5853 §3.1).
import type { Direction } from './direction.ts';
import type { Attribute, WireDescription, WireMedia } from './wire-description.ts';

export interface SessionDescription {
  /** b= values. */
  readonly bandwidth: readonly string[];
  /** t= values; at least one. */
  readonly timing: readonly string[];
  readonly attributes: readonly Attribute[];
  /** Both legs keep the same m-lines in the same order (RFC 3264 §8). */
  readonly media: readonly MediaDescription[];
}

export interface MediaDescription {
  readonly kind: string;
  /** False: port 0. In an offer the line is not usable, in an answer it is refused. */
  readonly accepted: boolean;
  /** Of the leg that it came from. Only its feedback profile matters to RTP on another leg. */
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly direction: Direction;
  readonly bandwidth: readonly string[];
  readonly attributes: readonly Attribute[];
  /**
   * An answer that numbers a codec otherwise than the offer did is given back in the offer's numbers; this tells what the
   * answerer wants to receive in their stead (RFC 3264 §6.1).
   */
  readonly renumbered: readonly (readonly [offered: number, wanted: number])[];
}

/** The neutral form of `wire`; `media` are its lines as the leg judged them. */
export function sessionDescriptionOf(wire: WireDescription, media: readonly MediaDescription[]): SessionDescription {
  const timing = wire.timing.filter((value) => timingPattern.test(value));
  return {
    bandwidth: wire.bandwidth.filter((value) => bandwidthPattern.test(value)),
    timing: timing.length === 0 ? ['0 0'] : timing,
    attributes: wire.attributes.filter(({ name }) => sessionAttributes.has(name)),
    media,
  };
}

/** The neutral form of one line that the leg accepted (or not), with the direction that it really has. */
export function mediaDescriptionOf(wire: WireMedia, accepted: boolean, direction: Direction): MediaDescription {
  return {
    kind: wire.kind,
    accepted,
    protocol: wire.protocol,
    formats: wire.formats,
    direction,
    bandwidth: wire.bandwidth.filter((value) => bandwidthPattern.test(value)),
    attributes: wire.attributes.filter(({ name }) => mediaAttributes.has(name)),
    renumbered: [],
  };
}

const timingPattern = /^[0-9]{1,20} [0-9]{1,20}$/;
const bandwidthPattern = /^[A-Za-z0-9-]{1,32}:[0-9]{1,12}$/;

const sessionAttributes: ReadonlySet<string> = new Set([
  'rtcp-xr',
  'extmap',
  'extmap-allow-mixed',
  'lang',
  'sdplang',
  'maxprate',
]);

/** Not here, and so not passed: ice-*, candidate, fingerprint, setup, ssrc*, msid, mid, group, tool, cname, acap, curr, des … */
const mediaAttributes: ReadonlySet<string> = new Set([
  'rtpmap',
  'fmtp',
  'ptime',
  'maxptime',
  'rtcp-fb',
  'rtcp-xr',
  'rtcp-rsize',
  'silenceSupp',
  'ecan',
  'framerate',
  'framesize',
  'imageattr',
  'quality',
  'orient',
  'content',
  'lang',
  'sdplang',
  'maxprate',
  'extmap',
  'extmap-allow-mixed',
]);
