// An offer taken for the answer to another one (RFC 3264 §6): two sides that both offered are joined by what both have. Each is then
// answered with what the other one offered, in its own numbers.
import { isAuxiliary } from './codec-policy.ts';
import { codecNames, formatOf, renumberToOffer } from './payload-types.ts';
import type { MediaDescription, SessionDescription } from './session-description.ts';

/** One line for each of `offer`; refused where `described` has no such line, or no codec in common with it. */
export function asAnswer(described: SessionDescription, offer: SessionDescription): SessionDescription {
  return { ...described, media: offer.media.map((line, index) => lineAsAnswer(described.media[index], line)) };
}

function lineAsAnswer(own: MediaDescription | undefined, line: MediaDescription): MediaDescription {
  if (own === undefined || !own.accepted || !line.accepted || own.kind !== line.kind) return refused(line);
  const offered = new Set(codecNames(line).values());
  const names = codecNames(own);
  const formats = own.formats.filter((format) => offered.has(names.get(format)));
  if (formats.every((format) => isAuxiliary(names.get(format)))) return refused(line);
  const attributes = own.attributes.filter((one) => formats.includes(formatOf(one) ?? formats[0] ?? ''));
  const { pairs, ...renumbered } = renumberToOffer(line, { formats, attributes });
  return { ...own, ...renumbered, renumbered: pairs };
}

function refused(line: MediaDescription): MediaDescription {
  return { ...line, accepted: false, direction: 'inactive', renumbered: [] };
}
