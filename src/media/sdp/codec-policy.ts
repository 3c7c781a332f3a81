// Which media and which codecs a leg takes and is offered, and in what order. Formats that carry no media of their own go with the others.
// RFC 3264 §5.1 (order of preference), §6.1; RFC 4733, 3389, 2198, 5109 (events, comfort noise, redundancy).

import { type CodecLines, codecNames, formatOf } from './payload-types.ts';
import type { SdpPolicy } from './sdp-policy.ts';
import type { Attribute } from './wire-description.ts';

/** False: lines of this kind get port 0. */
export function isKindAllowed(kind: string, { video = true }: SdpPolicy): boolean {
  return video || kind === 'audio';
}

/**
 * What is left of `lines`, in the order that it came; of audio only codecs on the list. None: there is no codec left. Of an
 * answer, `offered` are the attributes of its offer, which name the numbers that the answer does not.
 */
export function allowedCodecs<Lines extends CodecLines>(
  kind: string,
  lines: Lines,
  { codecs }: SdpPolicy,
  offered: readonly Attribute[] = [],
): Lines {
  if (codecs === undefined || kind !== 'audio') return lines;
  const names = codecNames({ formats: lines.formats, attributes: [...offered, ...lines.attributes] });
  const isListed = (format: string): boolean => codecs.some((codec) => isSame(codec, names.get(format)));
  if (!lines.formats.some(isListed)) return { ...lines, formats: [], attributes: [] };
  const formats = lines.formats.filter((format) => isListed(format) || isAuxiliary(names.get(format)));
  const dropped = new Set(lines.formats.filter((format) => !formats.includes(format)));
  const attributes = lines.attributes.filter((line) => !dropped.has(formatOf(line) ?? ''));
  return { ...lines, formats, attributes };
}

/** The same, the codecs in the order of the list. */
export function preferredCodecs<Lines extends CodecLines>(kind: string, lines: Lines, policy: SdpPolicy): Lines {
  const allowed = allowedCodecs(kind, lines, policy);
  const { codecs } = policy;
  if (codecs === undefined || kind !== 'audio') return allowed;
  const names = codecNames(allowed);
  const rank = (format: string): number => {
    const place = codecs.findIndex((codec) => isSame(codec, names.get(format)));
    return place < 0 ? codecs.length : place;
  };
  return { ...allowed, formats: allowed.formats.toSorted((a, b) => rank(a) - rank(b)) };
}

/** `opus` is any of that name; `opus/48000` or `opus/48000/2` only those. */
function isSame(codec: string, name: string | undefined): boolean {
  const wanted = codec.toLowerCase();
  return name !== undefined && (name === wanted || name.startsWith(`${wanted}/`));
}

/** It carries no media of its own. */
export function isAuxiliary(name: string | undefined): boolean {
  return name !== undefined && auxiliaryNames.has(name.split('/', 1)[0] ?? '');
}

const auxiliaryNames: ReadonlySet<string> = new Set(['telephone-event', 'cn', 'red', 'ulpfec', 'parityfec', 'rtx']);
