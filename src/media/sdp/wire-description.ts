// One leg's SDP as its peer wrote it, typed (RFC 8866 §5, RFC 3264, RFC 3605, RFC 5761). It holds addresses and keys, so it
// stays on its leg: what crosses is the `SessionDescription` made from it.
import { canonicalIPv6, isIPv4 } from '../../core/ip-address.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { type Direction, isDirection } from './direction.ts';
import { defaultSdpLimits, parseSdpLines, type SdpLimits, type SdpLine } from './sdp-lines.ts';
import { refusal, type SdpRefusal } from './sdp-policy.ts';

export interface WireDescription {
  /** b= and t= values in their order. */
  readonly bandwidth: readonly string[];
  readonly timing: readonly string[];
  readonly attributes: readonly Attribute[];
  readonly media: readonly WireMedia[];
}

export interface WireMedia {
  readonly kind: string;
  readonly port: number;
  /** `m=audio 49170/2` asks for two ports. */
  readonly portCount: number;
  readonly protocol: string;
  readonly formats: readonly string[];
  /** Its own c= or the session's; undefined only where the port is 0. */
  readonly connection: Connection | undefined;
  readonly bandwidth: readonly string[];
  /** Its own or the session's; sendrecv when neither says. */
  readonly direction: Direction;
  readonly rtcp: { readonly port: number; readonly connection: Connection | undefined } | undefined;
  readonly rtcpMux: boolean;
  readonly crypto: readonly string[];
  /** a=fingerprint, a=setup, a=tls-id: its own or the session's. */
  readonly fingerprints: readonly string[];
  readonly setup: string | undefined;
  readonly tlsId: string | undefined;
  /** All other attributes, in their order. */
  readonly attributes: readonly Attribute[];
}

export interface Attribute {
  readonly name: string;
  readonly value: string | undefined;
}

/** A c= line or the like. A host name, a zone, a TTL or a network other than IN makes it `unusable`. */
export type Connection =
  | { readonly kind: 'numeric'; readonly address: string }
  | { readonly kind: 'unusable'; readonly text: string };

/** Parses a body. Errors: 400 for what is no SDP, 488 for more m-lines than the limit. */
export function parseWireDescription(
  body: Uint8Array,
  limits: SdpLimits = defaultSdpLimits,
): Result<WireDescription, SdpRefusal> {
  const lines = parseSdpLines(body, limits);
  if (!lines.ok) return lines;
  const { session } = lines.value;
  const problem = sessionProblem(session);
  if (problem !== undefined) return malformed(problem);
  const sessionConnection = connectionOf(session);
  const attributes = attributesOf(session);
  const media: WireMedia[] = [];
  for (const [index, section] of lines.value.media.entries()) {
    const parsed = parseMedia(section, sessionConnection, attributes, limits);
    if (!parsed.ok) return malformed(`m-line ${index + 1}: ${parsed.error}`);
    media.push(parsed.value);
  }
  return ok({ bandwidth: valuesOf(session, 'b'), timing: valuesOf(session, 't'), attributes, media });
}

function malformed(detail: string): { readonly ok: false; readonly error: SdpRefusal } {
  return err(refusal(400, 'malformed', detail));
}

/** s= and t= are missing in the field too often to insist on them; a second v=, o= or c= would make two readings. */
function sessionProblem(session: readonly SdpLine[]): string | undefined {
  const [first] = session;
  if (first === undefined || first.type !== 'v' || first.value.trim() !== '0') return 'expected v=0 as the first line';
  for (const type of ['v', 'o', 'c']) {
    if (valuesOf(session, type).length > 1) return `more than one ${type}= line`;
  }
  const [origin] = valuesOf(session, 'o');
  if (origin === undefined) return 'no o= line';
  return wordsOf(origin).length < 6 ? 'o= line has fewer than six fields' : undefined;
}

function parseMedia(
  section: readonly SdpLine[],
  sessionConnection: Connection | undefined,
  sessionAttributes: readonly Attribute[],
  limits: SdpLimits,
): Result<WireMedia, string> {
  const [kind = '', portText = '', protocol = '', ...formats] = wordsOf(section[0]?.value ?? '');
  const [port, portCount] = parsePorts(portText);
  if (port === undefined || portCount === undefined) return err('expected a port from 0 to 65535');
  if (formats.length === 0) return err('expected media, port, protocol and at least one format');
  if (![kind, protocol, ...formats].every((word) => wordPattern.test(word))) return err('not a token in it');
  if (formats.length > limits.formatsPerLine) return err(`more than ${limits.formatsPerLine} formats`);
  if (valuesOf(section, 'c').length > 1) return err('more than one c= line');
  const connection = connectionOf(section) ?? sessionConnection;
  if (connection === undefined && port !== 0) return err('no c= line for it');
  const own = attributesOf(section);
  const rtcp = firstValue(own, 'rtcp');
  return ok({
    kind,
    port,
    portCount,
    protocol,
    formats,
    connection,
    bandwidth: valuesOf(section, 'b'),
    direction: directionIn(own) ?? directionIn(sessionAttributes) ?? 'sendrecv',
    rtcp: rtcp === undefined ? undefined : parseRtcp(rtcp),
    rtcpMux: own.some(({ name }) => name === 'rtcp-mux'),
    crypto: allValues(own, 'crypto'),
    fingerprints: fingerprintsOf(own, sessionAttributes),
    setup: firstValue(own, 'setup') ?? firstValue(sessionAttributes, 'setup'),
    tlsId: firstValue(own, 'tls-id') ?? firstValue(sessionAttributes, 'tls-id'),
    attributes: [...own.filter(({ name }) => !typedAttributes.has(name)), ...inherited(own, sessionAttributes)],
  });
}

/** Kept in fields of their own, and written anew on the other leg. */
const typedAttributes: ReadonlySet<string> = new Set([
  'sendrecv',
  'sendonly',
  'recvonly',
  'inactive',
  'rtcp',
  'rtcp-mux',
  'crypto',
  'fingerprint',
  'setup',
  'tls-id',
]);

/** Media attributes that some peers put above the first m-line, meaning each of them. */
function inherited(own: readonly Attribute[], session: readonly Attribute[]): readonly Attribute[] {
  return session.filter(
    ({ name }) => (name === 'ptime' || name === 'maxptime') && !own.some((attribute) => attribute.name === name),
  );
}

function parsePorts(text: string): readonly [port: number | undefined, count: number | undefined] {
  const slash = text.indexOf('/');
  const port = parseDecimal(slash < 0 ? text : text.slice(0, slash), 65_535);
  return [port, slash < 0 ? 1 : parseDecimal(text.slice(slash + 1), 65_535)];
}

/** `port [IN IP4 address]` (RFC 3605 §2.1). */
function parseRtcp(value: string): WireMedia['rtcp'] {
  const [portText = '', ...connection] = wordsOf(value);
  const port = parseDecimal(portText, 65_535);
  if (port === undefined) return undefined;
  return { port, connection: connection.length === 0 ? undefined : parseConnection(connection.join(' ')) };
}

function connectionOf(section: readonly SdpLine[]): Connection | undefined {
  const [value] = valuesOf(section, 'c');
  return value === undefined ? undefined : parseConnection(value);
}

function parseConnection(value: string): Connection {
  const [network, type, text = '', ...rest] = wordsOf(value);
  const address =
    type === 'IP6' ? (text.includes('%') ? undefined : canonicalIPv6(text)) : isIPv4(text) ? text : undefined;
  if (network !== 'IN' || rest.length > 0 || address === undefined || (type !== 'IP4' && type !== 'IP6')) {
    return { kind: 'unusable', text: value };
  }
  return { kind: 'numeric', address };
}

function directionIn(attributes: readonly Attribute[]): Direction | undefined {
  for (const { name } of attributes) if (isDirection(name)) return name;
  return undefined;
}

function attributesOf(section: readonly SdpLine[]): readonly Attribute[] {
  return valuesOf(section, 'a').map((text) => {
    const colon = text.indexOf(':');
    return colon < 0 ? { name: text, value: undefined } : { name: text.slice(0, colon), value: text.slice(colon + 1) };
  });
}

/** The media's own replace those of the session (RFC 8122 §5). */
function fingerprintsOf(own: readonly Attribute[], session: readonly Attribute[]): readonly string[] {
  const values = allValues(own, 'fingerprint');
  return values.length > 0 ? values : allValues(session, 'fingerprint');
}

function allValues(attributes: readonly Attribute[], wanted: string): readonly string[] {
  return attributes.flatMap(({ name, value }) => (name === wanted && value !== undefined ? [value] : []));
}

function firstValue(attributes: readonly Attribute[], name: string): string | undefined {
  return attributes.find((attribute) => attribute.name === name)?.value;
}

function valuesOf(section: readonly SdpLine[], type: string): readonly string[] {
  return section.filter((line) => line.type === type).map((line) => line.value);
}

function wordsOf(text: string): readonly string[] {
  return text.split(' ').filter((word) => word !== '');
}

function parseDecimal(text: string, highest: number): number | undefined {
  if (!decimalPattern.test(text)) return undefined;
  const number = Number(text);
  return number <= highest ? number : undefined;
}

/** token, or tokens with slashes between them (RFC 8866 §9: media, proto, fmt). */
const wordPattern = /^[A-Za-z0-9!#$%&'*+.^_`{|}~/-]{1,64}$/;
const decimalPattern = /^[0-9]{1,5}$/;
