// Payload type numbers of an answer against those of its offer (RFC 3264 §6.1, RFC 3551 §6, RFC 4733).
// Each side receives what it numbered, so an answer may give a codec another number than the offer did. Many peers expect
// one number both ways: the answer is passed on in the offer's numbers, and the relay maps what it carries.
import type { Attribute } from './wire-description.ts';

export interface CodecLines {
  readonly formats: readonly string[];
  readonly attributes: readonly Attribute[];
}

export interface Renumbered extends CodecLines {
  readonly pairs: readonly (readonly [offered: number, wanted: number])[];
}

/** `answer` in the numbers of `offer`. A number that means another codec in the offer, and has no match there, is left out. */
export function renumberToOffer(offer: CodecLines, answer: CodecLines): Renumbered {
  const targets = matchFormats(offer, answer);
  const isSame =
    targets.size === answer.formats.length && answer.formats.every((format) => targets.get(format) === format);
  if (isSame) return { formats: answer.formats, attributes: answer.attributes, pairs: [] };
  const formats = answer.formats.flatMap((format) => targets.get(format) ?? []);
  const pairs = [...targets]
    .filter(([wanted, offered]) => wanted !== offered)
    .map(([wanted, offered]) => [Number(offered), Number(wanted)] as const);
  const attributes = answer.attributes.flatMap((line) => renumberLine(line, answer.formats, targets) ?? []);
  return { formats: [...new Set(formats)], attributes, pairs };
}

/** The timestamp rates that rtpmap lines give. */
export function clockRatesOf(
  attributes: readonly Attribute[],
): readonly (readonly [payloadType: number, hertz: number])[] {
  const rates: (readonly [payloadType: number, hertz: number])[] = [];
  for (const { name, value = '' } of attributes) {
    const rate = name === 'rtpmap' ? ratePattern.exec(value) : null;
    if (rate !== null) rates.push([Number(rate[1]), Number(rate[2])]);
  }
  return rates;
}

/** The codec of each number, where the lines or its static assignment say it. */
export function codecsByNumber(lines: CodecLines): readonly (readonly [payloadType: number, name: string])[] {
  const numbered: (readonly [payloadType: number, name: string])[] = [];
  for (const [format, { name }] of codecsOf(lines)) if (name !== undefined) numbered.push([Number(format), name]);
  return numbered;
}

/** A payload type is a number from 0 to 127. */
export function isPayloadType(format: string): boolean {
  return payloadTypePattern.test(format) && Number(format) <= 127;
}

/** `name/clock/channels` of each format, lower case; a number that says nothing has none. */
export function codecNames(lines: CodecLines): ReadonlyMap<string, string | undefined> {
  return new Map(Array.from(codecsOf(lines), ([format, { name }]) => [format, name] as const));
}

/** The format that an attribute is about; undefined for one about the whole line. */
export function formatOf({ name, value }: Attribute): string | undefined {
  if (value === undefined || !numberedAttributes.has(name)) return undefined;
  return value.split(' ', 1)[0];
}

/** From each number of the answer that can be kept to its number in the offer. */
function matchFormats(offer: CodecLines, answer: CodecLines): ReadonlyMap<string, string> {
  const offered = codecsOf(offer);
  const answered = codecsOf(answer);
  const targets = new Map<string, string>();
  for (const format of answer.formats) {
    const known = offered.get(format);
    if (known !== undefined && isSameCodec(known, answered.get(format))) targets.set(format, format);
  }
  const taken = new Set(targets.values());
  for (const format of answer.formats) {
    if (targets.has(format)) continue;
    const target = findCodec(offered, answered.get(format), taken) ?? (offered.has(format) ? undefined : format);
    if (target === undefined) continue;
    targets.set(format, target);
    taken.add(target);
  }
  return targets;
}

interface Codec {
  /** `name/clock/channels`, lower case; undefined for a dynamic number without rtpmap. */
  readonly name: string | undefined;
  readonly parameters: string | undefined;
}

function codecsOf({ formats, attributes }: CodecLines): ReadonlyMap<string, Codec> {
  const codecs = new Map<string, { name: string | undefined; parameters: string | undefined }>();
  for (const format of formats) codecs.set(format, { name: staticNames.get(format), parameters: undefined });
  for (const { name, value = '' } of attributes) {
    if (name !== 'rtpmap' && name !== 'fmtp') continue;
    const space = value.indexOf(' ');
    const codec = space < 0 ? undefined : codecs.get(value.slice(0, space));
    if (codec === undefined) continue;
    const text = value.slice(space + 1).trim();
    if (name === 'rtpmap') codec.name = normalName(text);
    else codec.parameters = text;
  }
  return codecs;
}

function normalName(encoding: string): string {
  const [name = '', clock = '', channels = '1'] = encoding.toLowerCase().split('/');
  return `${name}/${clock}/${channels}`;
}

/** Without a name on one side the number alone speaks. */
function isSameCodec(offered: Codec, answered: Codec | undefined): boolean {
  return offered.name === undefined || answered?.name === undefined || offered.name === answered.name;
}

function findCodec(
  offered: ReadonlyMap<string, Codec>,
  wanted: Codec | undefined,
  taken: ReadonlySet<string>,
): string | undefined {
  if (wanted?.name === undefined) return undefined;
  const candidates = [...offered].filter(([format, { name }]) => name === wanted.name && !taken.has(format));
  return (candidates.find(([, { parameters }]) => parameters === wanted.parameters) ?? candidates[0])?.[0];
}

const numberedAttributes: ReadonlySet<string> = new Set(['rtpmap', 'fmtp', 'rtcp-fb', 'framesize', 'imageattr']);

/** The line in the offer's numbers; undefined when it describes a format that was left out. */
function renumberLine(
  line: Attribute,
  formats: readonly string[],
  targets: ReadonlyMap<string, string>,
): Attribute | undefined {
  if (line.value === undefined || !numberedAttributes.has(line.name)) return line;
  const space = line.value.indexOf(' ');
  const format = space < 0 ? line.value : line.value.slice(0, space);
  if (formats.includes(format) && !targets.has(format)) return undefined;
  const rest = space < 0 ? '' : line.value.slice(space);
  return { name: line.name, value: `${targets.get(format) ?? format}${renumberAssociated(rest, targets)}` };
}

/** Retransmission formats name the format that they repeat: `apt=96` (RFC 4588 §8.1). */
function renumberAssociated(parameters: string, targets: ReadonlyMap<string, string>): string {
  if (!parameters.includes('apt=')) return parameters;
  return parameters.replace(/\bapt=([0-9]{1,3})/, (text, format: string) => {
    const target = targets.get(format);
    return target === undefined ? text : `apt=${target}`;
  });
}

const ratePattern = /^([0-9]{1,3}) [^ /]{1,64}\/([0-9]{1,9})(?:\/|$)/;
const payloadTypePattern = /^(0|[1-9][0-9]{0,2})$/;

/** RFC 3551 §6, tables 4 and 5. */
const staticNames: ReadonlyMap<string, string> = new Map([
  ['0', 'pcmu/8000/1'],
  ['3', 'gsm/8000/1'],
  ['4', 'g723/8000/1'],
  ['5', 'dvi4/8000/1'],
  ['6', 'dvi4/16000/1'],
  ['7', 'lpc/8000/1'],
  ['8', 'pcma/8000/1'],
  ['9', 'g722/8000/1'],
  ['10', 'l16/44100/2'],
  ['11', 'l16/44100/1'],
  ['12', 'qcelp/8000/1'],
  ['13', 'cn/8000/1'],
  ['14', 'mpa/90000/1'],
  ['15', 'g728/8000/1'],
  ['16', 'dvi4/11025/1'],
  ['17', 'dvi4/22050/1'],
  ['18', 'g729/8000/1'],
  ['25', 'celb/90000/1'],
  ['26', 'jpeg/90000/1'],
  ['28', 'nv/90000/1'],
  ['31', 'h261/90000/1'],
  ['32', 'mpv/90000/1'],
  ['33', 'mp2t/90000/1'],
  ['34', 'h263/90000/1'],
]);
