// Header field names: matched without regard to case, compact forms expanded (RFC 3261 §7.3.1, §7.3.3, §20).
import { isAt } from './characters.ts';
import type { Source } from './source.ts';

const compactForms: readonly (readonly [string, string])[] = [
  ['a', 'Accept-Contact'],
  ['b', 'Referred-By'],
  ['c', 'Content-Type'],
  ['d', 'Request-Disposition'],
  ['e', 'Content-Encoding'],
  ['f', 'From'],
  ['i', 'Call-ID'],
  ['j', 'Reject-Contact'],
  ['k', 'Supported'],
  ['l', 'Content-Length'],
  ['m', 'Contact'],
  ['n', 'Identity-Info'],
  ['o', 'Event'],
  ['r', 'Refer-To'],
  ['s', 'Subject'],
  ['t', 'To'],
  ['u', 'Allow-Events'],
  ['v', 'Via'],
  ['x', 'Session-Expires'],
  ['y', 'Identity'],
];

/** One value each message: a second one is an error (RFC 3261 §7.3.1). */
const singleNames: readonly string[] = [
  'Answer-Mode',
  'Call-ID',
  'Content-Disposition',
  'Content-Length',
  'Content-Type',
  'CSeq',
  'Date',
  'Event',
  'Expires',
  'Flow-Timer',
  'From',
  'Info-Package',
  'Join',
  'Max-Breadth',
  'Max-Forwards',
  'MIME-Version',
  'Min-Expires',
  'Min-SE',
  'Organization',
  'Priority',
  'RAck',
  'Refer-Sub',
  'Refer-To',
  'Referred-By',
  'Replaces',
  'Reply-To',
  'Retry-After',
  'RSeq',
  'Server',
  'Session-Expires',
  'Session-ID',
  'SIP-ETag',
  'SIP-If-Match',
  'Subject',
  'Subscription-State',
  'Target-Dialog',
  'Timestamp',
  'To',
  'User-Agent',
];

/** May repeat, but a comma inside a value is part of it (RFC 3261 §7.3.1, §20.44; RFC 8224 §4). */
const wholeNames: readonly string[] = [
  'Authorization',
  'Identity',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'WWW-Authenticate',
];

/** Lists of which we only need the spelling, since most peers send them. */
const listNames: readonly string[] = [
  'Accept',
  'Accept-Encoding',
  'Accept-Language',
  'Alert-Info',
  'Allow',
  'Authentication-Info',
  'Call-Info',
  'Content-Language',
  'Diversion',
  'Error-Info',
  'Geolocation',
  'History-Info',
  'In-Reply-To',
  'P-Access-Network-Info',
  'P-Asserted-Identity',
  'P-Charging-Vector',
  'P-Preferred-Identity',
  'Path',
  'Privacy',
  'Proxy-Require',
  'Reason',
  'Record-Route',
  'Recv-Info',
  'Remote-Party-ID',
  'Require',
  'Route',
  'Security-Client',
  'Security-Server',
  'Security-Verify',
  'Service-Route',
  'Supported',
  'Unsupported',
  'User-To-User',
  'Warning',
  'X-Forwarded-For',
];

/** What is known of a header name. One object for each known name, so that names compare by identity. */
export interface HeaderName {
  readonly canonical: string;
  /** A second field of that name makes a request invalid. */
  readonly isSingle: boolean;
  /** … and a response too. */
  readonly isSingleInResponses: boolean;
  /** Commas separate values. */
  readonly isCommaSeparated: boolean;
}

/** A response is ours to use or drop; one that repeats a Server or a Date is still an answer to our request. */
const singleInResponses: ReadonlySet<string> = new Set([
  'Call-ID',
  'Content-Length',
  'Content-Type',
  'CSeq',
  'From',
  'Max-Forwards',
  'To',
]);

const known: ReadonlyMap<string, HeaderName> = knownSpellings();

interface Candidate {
  readonly codes: Buffer;
  readonly name: HeaderName;
}

/** The known names of one length and first letter, at `bucket`. */
const buckets: readonly (readonly Candidate[])[] = fillBuckets();

/** The one spelling under which a field is stored: `i`, `CALL-ID`, `call-id` → `Call-ID`; `x-foo` → `X-Foo`. */
export function canonicalName(name: string): string {
  return headerName(name).canonical;
}

export function headerName(name: string): HeaderName {
  return known.get(name) ?? known.get(name.toLowerCase()) ?? unknownName(name);
}

/**
 * The name in [start, end). Nearly every peer spells as the RFCs do, and for that spelling no string is made and hashed.
 */
export function readHeaderName({ codes, text }: Source, start: number, end: number): HeaderName {
  const candidates = buckets[bucket(end - start, codes[start] ?? 0)];
  if (candidates !== undefined) {
    for (let index = 0; index < candidates.length; index += 1) {
      const candidate = candidates[index];
      if (candidate !== undefined && isAt(candidate.codes, codes, start, end)) return candidate.name;
    }
  }
  return headerName(text.slice(start, end));
}

function knownSpellings(): ReadonlyMap<string, HeaderName> {
  const whole = new Set([...singleNames, ...wholeNames]);
  const single = new Set(singleNames);
  const expansions = compactForms.map(([, name]) => name);
  const spellings = new Map<string, HeaderName>();
  for (const canonical of new Set([...singleNames, ...wholeNames, ...listNames, ...expansions])) {
    const name: HeaderName = {
      canonical,
      isSingle: single.has(canonical),
      isSingleInResponses: singleInResponses.has(canonical),
      isCommaSeparated: !whole.has(canonical),
    };
    spellings.set(canonical, name);
    spellings.set(canonical.toLowerCase(), name);
    for (const [letter, expansion] of compactForms) if (expansion === canonical) spellings.set(letter, name);
  }
  return spellings;
}

function fillBuckets(): readonly (readonly Candidate[])[] {
  const names = [...new Set(known.values())];
  const longest = Math.max(...names.map(({ canonical }) => canonical.length));
  const filled: Candidate[][] = Array.from({ length: bucket(longest, 31) + 1 }, () => []);
  for (const name of names) {
    const codes = Buffer.from(name.canonical);
    filled[bucket(codes.length, codes[0] ?? 0)]?.push({ codes, name });
  }
  return filled;
}

function bucket(size: number, first: number): number {
  return size * 32 + (first & 31);
}

function unknownName(name: string): HeaderName {
  const canonical = name
    .toLowerCase()
    .split('-')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('-');
  return { canonical, isSingle: false, isSingleInResponses: false, isCommaSeparated: true };
}
