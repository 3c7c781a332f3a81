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
  const session = sectionOf(lines.value.session);
  const problem = sessionProblem(lines.value.session, session);
  if (problem !== undefined) return malformed(problem);
  const terms = attributeTermsOf(session.attributes);
  const [connection] = session.connections;
  const above: SessionLevel = { connection: connection === undefined ? undefined : parseConnection(connection), terms };
  const media: WireMedia[] = [];
  for (const [index, section] of lines.value.media.entries()) {
    const parsed = parseMedia(section[0]?.value ?? '', sectionOf(section), above, limits);
    if (!parsed.ok) return malformed(`m-line ${index + 1}: ${parsed.error}`);
    media.push(parsed.value);
  }
  return ok({ bandwidth: session.bandwidth, timing: session.timing, attributes: session.attributes, media });
}

function malformed(detail: string): { readonly ok: false; readonly error: SdpRefusal } {
  return err(refusal(400, 'malformed', detail));
}

/** The lines of one section that mean something here, by their letter. */
interface Section {
  readonly connections: readonly string[];
  readonly bandwidth: readonly string[];
  readonly timing: readonly string[];
  readonly attributes: readonly Attribute[];
}

function sectionOf(lines: readonly SdpLine[]): Section {
  const connections: string[] = [];
  const bandwidth: string[] = [];
  const timing: string[] = [];
  const attributes: Attribute[] = [];
  for (const { type, value } of lines) {
    if (type === 'a') attributes.push(attributeOf(value));
    else if (type === 'c') connections.push(value);
    else if (type === 'b') bandwidth.push(value);
    else if (type === 't') timing.push(value);
  }
  return { connections, bandwidth, timing, attributes };
}

function attributeOf(text: string): Attribute {
  const colon = text.indexOf(':');
  return colon < 0 ? { name: text, value: undefined } : { name: text.slice(0, colon), value: text.slice(colon + 1) };
}

/** s= and t= are missing in the field too often to insist on them; a second v=, o= or c= would make two readings. */
function sessionProblem(lines: readonly SdpLine[], { connections }: Section): string | undefined {
  const [first] = lines;
  if (first === undefined || first.type !== 'v' || first.value.trim() !== '0') return 'expected v=0 as the first line';
  let origin: string | undefined;
  for (const [index, { type, value }] of lines.entries()) {
    if (type === 'v' && index > 0) return 'more than one v= line';
    if (type !== 'o') continue;
    if (origin !== undefined) return 'more than one o= line';
    origin = value;
  }
  if (connections.length > 1) return 'more than one c= line';
  if (origin === undefined) return 'no o= line';
  return wordsOf(origin).length < 6 ? 'o= line has fewer than six fields' : undefined;
}

/** What the session says of every m-line that does not say otherwise. */
interface SessionLevel {
  readonly connection: Connection | undefined;
  readonly terms: AttributeTerms;
}

function parseMedia(
  line: string,
  section: Section,
  session: SessionLevel,
  limits: SdpLimits,
): Result<WireMedia, string> {
  const [kind = '', portText = '', protocol = '', ...formats] = wordsOf(line);
  const [port, portCount] = parsePorts(portText);
  if (port === undefined || portCount === undefined) return err('expected a port from 0 to 65535');
  if (formats.length === 0) return err('expected media, port, protocol and at least one format');
  const isWord = (word: string): boolean => wordPattern.test(word);
  if (!isWord(kind) || !isWord(protocol) || !formats.every(isWord)) return err('not a token in it');
  if (formats.length > limits.formatsPerLine) return err(`more than ${limits.formatsPerLine} formats`);
  if (section.connections.length > 1) return err('more than one c= line');
  const [ownConnection] = section.connections;
  const connection = ownConnection === undefined ? session.connection : parseConnection(ownConnection);
  if (connection === undefined && port !== 0) return err('no c= line for it');
  const own = attributeTermsOf(section.attributes);
  const { terms } = session;
  return ok({
    kind,
    port,
    portCount,
    protocol,
    formats,
    connection,
    bandwidth: section.bandwidth,
    direction: own.direction ?? terms.direction ?? 'sendrecv',
    rtcp: own.rtcp === undefined ? undefined : parseRtcp(own.rtcp),
    rtcpMux: own.rtcpMux,
    crypto: own.crypto,
    // The media's own replace those of the session (RFC 8122 §5).
    fingerprints: own.fingerprints.length > 0 ? own.fingerprints : terms.fingerprints,
    setup: own.setup ?? terms.setup,
    tlsId: own.tlsId ?? terms.tlsId,
    attributes: withInherited(own.others, terms.others),
  });
}

/** Attributes that have fields of their own, and are written anew on the other leg; of those that may stand once, the first. */
interface AttributeTerms {
  direction: Direction | undefined;
  rtcp: string | undefined;
  rtcpMux: boolean;
  setup: string | undefined;
  tlsId: string | undefined;
  readonly crypto: string[];
  readonly fingerprints: string[];
  readonly others: Attribute[];
}

function attributeTermsOf(attributes: readonly Attribute[]): AttributeTerms {
  const terms: AttributeTerms = {
    direction: undefined,
    rtcp: undefined,
    rtcpMux: false,
    setup: undefined,
    tlsId: undefined,
    crypto: [],
    fingerprints: [],
    others: [],
  };
  for (const attribute of attributes) {
    const { name, value } = attribute;
    if (isDirection(name)) terms.direction ??= name;
    else if (name === 'rtcp') terms.rtcp ??= value;
    else if (name === 'rtcp-mux') terms.rtcpMux = true;
    else if (name === 'setup') terms.setup ??= value;
    else if (name === 'tls-id') terms.tlsId ??= value;
    else if (name === 'crypto') addTo(terms.crypto, value);
    else if (name === 'fingerprint') addTo(terms.fingerprints, value);
    else terms.others.push(attribute);
  }
  return terms;
}

function addTo(values: string[], value: string | undefined): void {
  if (value !== undefined) values.push(value);
}

/** Media attributes that some peers put above the first m-line, meaning each of them. */
function withInherited(own: readonly Attribute[], session: readonly Attribute[]): readonly Attribute[] {
  const inherited = session.filter(
    ({ name }) => (name === 'ptime' || name === 'maxptime') && !own.some((attribute) => attribute.name === name),
  );
  return inherited.length === 0 ? own : [...own, ...inherited];
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

function parseConnection(value: string): Connection {
  const [network, type, text = '', ...rest] = wordsOf(value);
  const address =
    type === 'IP6' ? (text.includes('%') ? undefined : canonicalIPv6(text)) : isIPv4(text) ? text : undefined;
  if (network !== 'IN' || rest.length > 0 || address === undefined || (type !== 'IP4' && type !== 'IP6')) {
    return { kind: 'unusable', text: value };
  }
  return { kind: 'numeric', address };
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
