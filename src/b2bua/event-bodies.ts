// What notifications may say. Their bodies name hosts of the inside, and dialogs by Call-IDs and tags that mean nothing on the other
// side (RFC 5853 §3.1): hosts become the domain of the subscriber, identifiers of dialogs are left out, and of a message summary
// the lines stay that RFC 3842 defines.
import type { Body } from '../sip/user-agent/session.ts';
import type { EventPackage } from './method-policy.ts';

/** The one content type of each package (RFC 3842 §3.5, RFC 4235 §3.5, RFC 3856 §6.3). */
export const eventContentTypes: Readonly<Record<EventPackage, string>> = {
  'message-summary': 'application/simple-message-summary',
  dialog: 'application/dialog-info+xml',
  presence: 'application/pidf+xml',
};

export type BodyForPhone =
  | { readonly kind: 'body'; readonly body: Body | undefined }
  | { readonly kind: 'refused'; readonly status: 413 | 415 };

/** `domain` is what every host in it becomes. */
export function bodyForPhone(
  body: Body | undefined,
  { name, domain, maxBytes }: { readonly name: EventPackage; readonly domain: string; readonly maxBytes: number },
): BodyForPhone {
  if (body === undefined) return { kind: 'body', body };
  if (body.bytes.length > maxBytes) return { kind: 'refused', status: 413 };
  const [type = ''] = body.contentType.split(';', 1);
  const contentType = eventContentTypes[name];
  const isReadable = type.trim().toLowerCase() === contentType && body.contentEncoding === undefined;
  // Text in sixteen bits would hide its hosts from us.
  if (!isReadable || body.bytes.includes(0)) return { kind: 'refused', status: 415 };
  // One byte a character: everything that is looked for is ASCII, and UTF-8 comes out as it went in.
  const text = Buffer.from(body.bytes).toString('latin1');
  const told = name === 'message-summary' ? summary(text, domain) : document(text, domain);
  return { kind: 'body', body: { contentType, bytes: Buffer.from(told, 'latin1') } };
}

/** RFC 3842 §5.2: the status, the account, and counts. Headers of single messages, which may follow, are not told. */
function summary(text: string, domain: string): string {
  const kept = text.split(/\r?\n/).filter((line) => summaryLine.test(line));
  return kept.map((line) => `${withoutHosts(line, domain)}\r\n`).join('');
}

const summaryLine =
  /^(?:Messages-Waiting|Message-Account|(?:Voice|Fax|Pager|Multimedia|Text|None)-?Messages?|message-context)[ \t]*:/i;

function document(text: string, domain: string): string {
  return withoutHosts(text.replaceAll(/\s(?:call-id|local-tag|remote-tag)\s*=\s*(?:"[^"]*"|'[^']*')/gi, ''), domain);
}

/** A URI keeps its scheme and who it names. */
function withoutHosts(text: string, domain: string): string {
  return text.replaceAll(uri, (_match, scheme: string, user: string | undefined) => {
    const [name = ''] = (user ?? '').split(':', 1);
    return name === '' ? `${scheme}:${domain}` : `${scheme}:${name}@${domain}`;
  });
}

const uri = /(?<![A-Za-z0-9+.-])(sips?|pres|im):(?:([^@\s"'<>]*)@)?[^\s"'<>]*/gi;
