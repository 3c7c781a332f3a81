// Bytes of an SDP body ↔ its lines (RFC 8866 §5), within limits that are checked before anything is kept.
// Lines end with CR LF or LF, the last one with or without; a CR or a control character anywhere else is refused, so that
// no value can smuggle in a line of its own. Bytes above 127 pass as they came (latin1 both ways).
import { err, ok, type Result } from '../../core/result.ts';
import { refusal, type SdpRefusal } from './sdp-policy.ts';

export interface SdpLine {
  /** One lower-case letter. */
  readonly type: string;
  readonly value: string;
}

export interface SdpLines {
  readonly session: readonly SdpLine[];
  /** One section for each m-line; its first line is the m-line. */
  readonly media: readonly (readonly SdpLine[])[];
}

export interface SdpLimits {
  readonly bodyBytes: number;
  readonly lines: number;
  readonly lineBytes: number;
  readonly mediaLines: number;
  readonly formatsPerLine: number;
}

export const defaultSdpLimits: SdpLimits = {
  bodyBytes: 32_768,
  lines: 1_024,
  lineBytes: 4_096,
  mediaLines: 32,
  formatsPerLine: 64,
};

/** Splits a body into session and media sections. Errors: 400 malformed or too large, 488 too many m-lines. */
export function parseSdpLines(body: Uint8Array, limits: SdpLimits = defaultSdpLimits): Result<SdpLines, SdpRefusal> {
  if (body.length > limits.bodyBytes) {
    return err(refusal(400, 'too-large', `SDP body ${body.length} B exceeds ${limits.bodyBytes} B`));
  }
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
  const session: SdpLine[] = [];
  const media: SdpLine[][] = [];
  let current = session;
  let count = 0;
  for (let start = 0; start < text.length; ) {
    const feed = text.indexOf('\n', start);
    const next = feed < 0 ? text.length : feed + 1;
    const end = feed < 0 ? text.length : feed;
    const raw = text.slice(start, end > start && text.charCodeAt(end - 1) === CR ? end - 1 : end);
    start = next;
    if (raw === '') continue;
    count += 1;
    if (count > limits.lines) return err(refusal(400, 'too-large', `more than ${limits.lines} lines of SDP`));
    const problem = problemOf(raw, count, limits);
    if (problem !== undefined) return err(problem);
    const line = { type: raw.charAt(0), value: raw.slice(2) };
    if (line.type === 'm') {
      if (media.length === limits.mediaLines) {
        return err(refusal(488, 'too-many-media', `more than ${limits.mediaLines} m-lines`));
      }
      current = [];
      media.push(current);
    }
    current.push(line);
  }
  return ok({ session, media });
}

/** One line of a body, with its end. The value is ours or came through `parseSdpLines`. Throws on a CR or LF inside it. */
export function formatSdpLine(type: string, value: string): string {
  if (controlAt(value) >= 0) throw new Error(`control character in an SDP ${type}= value`);
  return `${type}=${value}\r\n`;
}

/** The bytes of a formatted body. */
export function encodeSdp(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

const CR = 0x0d;
const TAB = 0x09;

function problemOf(raw: string, number: number, limits: SdpLimits): SdpRefusal | undefined {
  if (raw.length > limits.lineBytes) {
    return refusal(400, 'too-large', `SDP line ${number} of ${raw.length} B exceeds ${limits.lineBytes} B`);
  }
  const type = raw.charCodeAt(0);
  if (type < 0x61 || type > 0x7a || raw.charCodeAt(1) !== 0x3d) {
    return refusal(400, 'malformed', `SDP line ${number}: expected a lower-case letter and "="`);
  }
  const control = controlAt(raw);
  return control < 0 ? undefined : refusal(400, 'malformed', `SDP line ${number}: control character at ${control}`);
}

function controlAt(text: string): number {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if ((code < 0x20 && code !== TAB) || code === 0x7f) return index;
  }
  return -1;
}
