// Header field names: matched without regard to case, compact forms expanded (RFC 3261 §7.3.1, §7.3.3, §20).
import { isToken } from './characters.ts';

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

const single: ReadonlySet<string> = new Set(singleNames);
const whole: ReadonlySet<string> = new Set([...singleNames, ...wholeNames]);
const known: ReadonlyMap<string, string> = knownSpellings();

/** The one spelling under which a field is stored: `i`, `CALL-ID`, `call-id` → `Call-ID`; `x-foo` → `X-Foo`. */
export function canonicalName(name: string): string {
  return known.get(name) ?? known.get(name.toLowerCase()) ?? titleCase(name);
}

/** `name` is canonical. Whether a second field of that name makes the message invalid. */
export function isSingleValued(name: string): boolean {
  return single.has(name);
}

/** `name` is canonical. Whether commas separate values in such a field. */
export function isCommaSeparated(name: string): boolean {
  return !whole.has(name);
}

export function isHeaderName(name: string): boolean {
  return isToken(name);
}

function knownSpellings(): ReadonlyMap<string, string> {
  const spellings = new Map<string, string>();
  const names = [...singleNames, ...wholeNames, ...listNames, ...compactForms.map(([, name]) => name)];
  for (const name of names) {
    spellings.set(name, name);
    spellings.set(name.toLowerCase(), name);
  }
  for (const [letter, name] of compactForms) {
    spellings.set(letter, name);
    spellings.set(letter.toUpperCase(), name);
  }
  return spellings;
}

function titleCase(name: string): string {
  return name
    .toLowerCase()
    .split('-')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('-');
}
