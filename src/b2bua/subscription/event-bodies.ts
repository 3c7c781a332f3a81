// What notifications may say. Their bodies name hosts of the inside, and dialogs by Call-IDs and tags that mean nothing on the other
// side (RFC 5853 §3.1): hosts become the domain of the subscriber, in URIs with a user (RFC 3261 §19.1, RFC 3859, RFC 3860, RFC 3508),
// with an authority (RFC 3986 §3.2) and in the context of a number (RFC 3966 §5.1.5). Identifiers of dialogs, descriptions of their
// media and their routes (RFC 4235 §4.1.5, §4.1.6) are left out, and of a message summary the lines stay that RFC 3842 defines.
import type { Body } from '../../sip/user-agent/session.ts';
import type { EventPackage } from '../routing/method-policy.ts';

/** The one content type of each package (RFC 3842 §3.5, RFC 4235 §3.5, RFC 3856 §6.3). */
export const eventContentTypes: Readonly<Record<EventPackage, string>> = {
  'message-summary': 'application/simple-message-summary',
  dialog: 'application/dialog-info+xml',
  presence: 'application/pidf+xml',
};

export type BodyForPhone =
  | { readonly kind: 'body'; readonly body: Body | undefined }
  | { readonly kind: 'refused'; readonly status: 413 | 415 };

export interface PhoneReading {
  readonly name: EventPackage;
  /** What every host in it becomes. */
  readonly domain: string;
  readonly maxBytes: number;
  /** What a dialog is called instead of its Call-ID; absent: nothing of it is told. */
  readonly nameOf?: ((callId: string) => string) | undefined;
}

export function bodyForPhone(body: Body | undefined, { name, domain, maxBytes, nameOf }: PhoneReading): BodyForPhone {
  if (body === undefined) return { kind: 'body', body };
  if (body.bytes.length > maxBytes) return { kind: 'refused', status: 413 };
  const [type = ''] = body.contentType.split(';', 1);
  const contentType = eventContentTypes[name];
  const isReadable = type.trim().toLowerCase() === contentType && body.contentEncoding === undefined;
  // Text in sixteen bits would hide its hosts from us.
  if (!isReadable || body.bytes.includes(0)) return { kind: 'refused', status: 415 };
  // One byte a character: everything that is looked for is ASCII, and UTF-8 comes out as it went in.
  const text = Buffer.from(body.bytes).toString('latin1');
  const named = name === 'dialog' ? nameOf : undefined;
  const told = name === 'message-summary' ? summary(text, domain) : document(text, domain, named);
  return { kind: 'body', body: { contentType, bytes: Buffer.from(told, 'latin1') } };
}

/** RFC 3842 §5.2: the status, the account, and counts. Headers of single messages, which may follow, are not told. */
function summary(text: string, domain: string): string {
  const kept = text.split(/\r?\n/).filter((line) => summaryLine.test(line));
  return kept.map((line) => `${withoutHosts(accountLine(line, domain), domain)}\r\n`).join('');
}

/** Some name the account without a scheme, where §5.2 wants a URI. */
function accountLine(line: string, domain: string): string {
  return line.replace(/^(Message-Account[ \t]*:[ \t]*)([^:@\s]+)@\S*$/i, (_match, name: string, user: string) => {
    return `${name}${user}@${domain}`;
  });
}

const summaryLine =
  /^(?:Messages-Waiting|Message-Account|(?:Voice|Fax|Pager|Multimedia|Text|None)-?Messages?|message-context)[ \t]*:/i;

function document(text: string, domain: string, nameOf: PhoneReading['nameOf']): string {
  const outline = withoutElements(text, ['session-description', 'route-set']);
  const identified = outline.replaceAll(identifier, (match, name: string, quoted: string) => {
    if (nameOf === undefined) return '';
    return name.toLowerCase() === 'call-id' ? ` ${name}="${nameOf(unescaped(quoted.slice(1, -1)))}"` : match;
  });
  return withoutHosts(identified, domain);
}

const identifier = /\s(call-id|local-tag|remote-tag)\s*=\s*("[^"]*"|'[^']*')/gi;

/** Of an attribute, as Replaces has it. */
function unescaped(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (_match, entity: string) => entities.get(entity) ?? '');
}

const entities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

/** Whatever stands in them, in any namespace. One that is not closed takes the rest with it. */
function withoutElements(text: string, names: readonly string[]): string {
  const tag = new RegExp(`<(/?)(?:[A-Za-z0-9_.-]+:)?(?:${names.join('|')})(?=[\\s/>])[^<>]*>`, 'gi');
  const kept: string[] = [];
  let from = 0;
  let depth = 0;
  for (const { 0: whole, 1: slash, index } of text.matchAll(tag)) {
    if (slash === '' && depth === 0) kept.push(text.slice(from, index));
    if (slash !== '') depth = Math.max(0, depth - 1);
    else if (!whole.endsWith('/>')) depth += 1;
    if (depth === 0) from = index + whole.length;
  }
  if (depth === 0) kept.push(text.slice(from));
  return kept.join('');
}

/** A URI keeps its scheme and who it names, but for the names of XML's namespaces, which are none of hosts. */
function withoutHosts(text: string, domain: string): string {
  const named = text.replaceAll(userUri, (_match, scheme: string, user: string | undefined) => {
    const [name = ''] = (user ?? '').split(':', 1);
    return name === '' ? `${scheme}:${domain}` : `${scheme}:${name}@${domain}`;
  });
  const placed = named.replaceAll(authorityUri, (match, scheme: string, at: number) => {
    return namespaceName.test(named.slice(Math.max(0, at - longestPrefix), at)) ? match : `${scheme}://${domain}`;
  });
  return placed.replaceAll(context, (match, name: string, value: string) => {
    // A global one is the front of a number.
    return /^(?:\+|%2b)/i.test(value) ? match : `${name}=${domain}`;
  });
}

const userUri = /(?<![A-Za-z0-9+.-])(sips?|pres|im|h323):(?:([^@\s"'<>]*)@)?[^\s"'<>]*/gi;
const authorityUri = /(?<![A-Za-z0-9+.-])(https?|wss?|ftp|rtsp|msrps?|ldaps?):\/\/[^\s"'<>/?#]*/gi;
const namespaceName = /\sxmlns(?::[A-Za-z0-9_.-]{1,40})?\s{0,8}=\s{0,8}["']$/;
const longestPrefix = 80;
const context = /(;phone-context)=([^;\s"'<>@&]*)/gi;
