// Content-Type and Content-Disposition: `value;name=value…` (RFC 3261 §20.11, §20.15).
import { codeAt, skipClass, skipSpace, TOKEN } from './characters.ts';
import { readParameters } from './parameters.ts';
import { Source } from './source.ts';
import { noParameters, type Parameters } from './uri.ts';

export interface MediaType {
  /** `type/subtype` in lower case. */
  readonly name: string;
  /** Names in lower case, values as they came, without quotes. */
  readonly parameters: Parameters;
}

export interface Disposition {
  /** session, render, icon … in lower case. */
  readonly name: string;
  /** What to do about a body that is not understood: refuse the message, or do without it. */
  readonly handling: 'required' | 'optional';
}

/** Reads a Content-Type; undefined when it is none. */
export function parseMediaType(text: string): MediaType | undefined {
  const source = new Source(text);
  const { codes } = source;
  const start = skipSpace(codes, 0, text.length);
  const typeEnd = skipClass(TOKEN, codes, start, text.length);
  const slash = skipSpace(codes, typeEnd, text.length);
  if (typeEnd === start || codeAt(codes, slash, text.length) !== SLASH) return undefined;
  const subtypeStart = skipSpace(codes, slash + 1, text.length);
  const subtypeEnd = skipClass(TOKEN, codes, subtypeStart, text.length);
  const parameters = readParameters(source, subtypeEnd, text.length);
  if (subtypeEnd === subtypeStart || parameters === undefined) return undefined;
  const name = `${text.slice(start, typeEnd)}/${text.slice(subtypeStart, subtypeEnd)}`;
  return { name: name.toLowerCase(), parameters };
}

/**
 * Reads a Content-Disposition. Without one, or with one that cannot be read, a body is a session description that must
 * be understood (§20.11: handling is required unless it says otherwise).
 */
export function parseDisposition(text: string | undefined): Disposition {
  const source = new Source(text ?? '');
  const { length } = source.text;
  const start = skipSpace(source.codes, 0, length);
  const end = skipClass(TOKEN, source.codes, start, length);
  const parameters = readParameters(source, end, length) ?? noParameters;
  const handling = parameters.get('handling')?.toLowerCase() === 'optional' ? 'optional' : 'required';
  return { name: end === start ? 'session' : source.text.slice(start, end).toLowerCase(), handling };
}

const SLASH = 0x2f;
