// MIME as far as SIP bodies need it: parts between boundaries, their content headers, and parameters behind a value.
// RFC 2046 §5.1.1, RFC 2045 §5.1, RFC 2183 §2.
import { err, ok, type Result } from '../../core/result.ts';

export interface MimePart {
  readonly headers: MimeHeaders;
  readonly bytes: Uint8Array;
}

/** The field values that say what a body or a part is; undefined where there is none. */
export interface MimeHeaders {
  readonly contentType: string | undefined;
  readonly contentDisposition?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly contentTransferEncoding?: string | undefined;
}

export interface ParameterizedValue {
  /** Trimmed, lower case. */
  readonly value: string;
  /** Names in lower case, values without quotes; the first of a name counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

const mimeLimits = { parts: 16, headerBytes: 4_096, boundaryBytes: 70, parameters: 16 } as const;

/** The parts of a multipart body, preamble and epilogue left out. Errors say what is wrong with it. */
export function parseParts(body: Uint8Array, boundary: string | undefined): Result<readonly MimePart[], string> {
  if (boundary === undefined || boundary === '' || boundary.length > mimeLimits.boundaryBytes) {
    return err(`expected a boundary of 1 to ${mimeLimits.boundaryBytes} characters`);
  }
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
  const parts: MimePart[] = [];
  let delimiter = nextDelimiter(text, boundary, 0);
  while (delimiter !== undefined && !delimiter.closes) {
    if (parts.length === mimeLimits.parts) return err(`more than ${mimeLimits.parts} parts`);
    const next = nextDelimiter(text, boundary, delimiter.end);
    if (next === undefined) break;
    const part = parsePart(text, delimiter.end, next.start);
    if (!part.ok) return part;
    parts.push({ headers: part.value.headers, bytes: body.subarray(part.value.start, next.start) });
    delimiter = next;
  }
  return delimiter?.closes === true ? ok(parts) : err('no closing boundary');
}

/** `value; name=token; name="quoted"`, as Content-Type and Content-Disposition have it. */
export function parseParameters(text: string): ParameterizedValue {
  const [value = '', ...rest] = splitUnquoted(text, ';');
  const parameters = new Map<string, string>();
  for (const parameter of rest.slice(0, mimeLimits.parameters)) {
    const equals = parameter.indexOf('=');
    const name = (equals < 0 ? parameter : parameter.slice(0, equals)).trim().toLowerCase();
    if (!parameters.has(name)) parameters.set(name, equals < 0 ? '' : unquote(parameter.slice(equals + 1).trim()));
  }
  return { value: value.trim().toLowerCase(), parameters };
}

interface Delimiter {
  /** Where the content before it ends: the line end in front of a delimiter belongs to it. */
  readonly start: number;
  /** Where the part after it begins. */
  readonly end: number;
  readonly closes: boolean;
}

function nextDelimiter(text: string, boundary: string, from: number): Delimiter | undefined {
  const dashed = `--${boundary}`;
  for (let at = text.indexOf(dashed, from); at >= 0; at = text.indexOf(dashed, at + 1)) {
    if (at > 0 && text.charAt(at - 1) !== '\n') continue;
    const after = at + dashed.length;
    const closes = text.startsWith('--', after);
    const end = closes ? after + 2 : lineEnd(text, after);
    if (end === undefined) continue;
    const lineFeed = at > from ? at - 1 : at;
    return { start: lineFeed > from && text.charAt(lineFeed - 1) === '\r' ? lineFeed - 1 : lineFeed, end, closes };
  }
  return undefined;
}

/** Past the line feed that follows `from` with nothing but white space in between. */
function lineEnd(text: string, from: number): number | undefined {
  let index = from;
  while (text.charAt(index) === ' ' || text.charAt(index) === '\t' || text.charAt(index) === '\r') index += 1;
  return text.charAt(index) === '\n' ? index + 1 : undefined;
}

function parsePart(
  text: string,
  from: number,
  to: number,
): Result<{ readonly headers: MimeHeaders; readonly start: number }, string> {
  const fields = new Map<string, string>();
  let last = '';
  let start = from;
  while (start < to) {
    const feed = text.indexOf('\n', start);
    const end = feed < 0 || feed >= to ? to : feed;
    if (end - from > mimeLimits.headerBytes) return err(`part header exceeds ${mimeLimits.headerBytes} B`);
    const line = text.slice(start, end).trimEnd();
    start = Math.min(end + 1, to);
    if (line === '') break;
    if (line.startsWith(' ') || line.startsWith('\t')) {
      fields.set(last, `${fields.get(last) ?? ''} ${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon < 0) return err('a part header without a colon');
    last = line.slice(0, colon).trim().toLowerCase();
    if (fields.has(last)) return err(`two ${last.slice(0, 40)} fields in one part`);
    fields.set(last, line.slice(colon + 1).trim());
  }
  const headers: MimeHeaders = {
    contentType: fields.get('content-type'),
    contentDisposition: fields.get('content-disposition'),
    contentEncoding: fields.get('content-encoding'),
    contentTransferEncoding: fields.get('content-transfer-encoding'),
  };
  return ok({ headers, start });
}

function splitUnquoted(text: string, separator: string): readonly string[] {
  const pieces: string[] = [];
  let isQuoted = false;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (isQuoted && character === '\\') index += 1;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === separator && !isQuoted) {
      pieces.push(text.slice(start, index));
      start = index + 1;
    }
  }
  pieces.push(text.slice(start));
  return pieces;
}

function unquote(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  let value = '';
  for (let index = 1; index < text.length - 1; index += 1) {
    if (text.charAt(index) === '\\') index += 1;
    value += text.charAt(index);
  }
  return value;
}
