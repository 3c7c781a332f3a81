// By whom a call was forwarded: History-Info (RFC 7044) and Diversion (RFC 5806). Only trusted peers are believed, only trusted
// peers are told, and the hosts are those of the side that reads them.
import type { SipMessage, SipRequest } from '../../sip/message/message.ts';
import { formatNameAddr, type NameAddr, parseNameAddr } from '../../sip/message/name-addr.ts';
import type { Parameters, Uri } from '../../sip/message/uri.ts';

/** Entries of each header that cross; the rest stay behind. */
export const maxRetargets = 10;
/** What one entry may weigh. */
export const maxRetargetBytes = 512;

/** The fields as `host` reads them. An entry that cannot be read does not cross. */
export function retargetingFields(request: SipRequest, host: string): readonly (readonly [string, string])[] {
  return (['History-Info', 'Diversion'] as const).flatMap((name) =>
    entriesOf(request, name).map((entry) => [name, formatNameAddr(withHost(entry, name, host))] as const),
  );
}

/** User part of who forwarded the call last; undefined when nobody says that somebody did. */
export function diverterOf(message: SipMessage): string | undefined {
  // The topmost Diversion is the latest (RFC 5806 §3.2).
  const [diversion] = entriesOf(message, 'Diversion');
  if (diversion !== undefined) return userOf(diversion.uri);
  const history = entriesOf(message, 'History-Info');
  // `mp` names the entry that was mapped to another user, `rc` and `np` do not change who is called (RFC 7044 §5).
  const mapped = history.findLast(({ parameters }) => parameters.get('mp') !== undefined)?.parameters.get('mp');
  const from = history.find(({ parameters }) => mapped !== undefined && parameters.get('index') === mapped);
  return from === undefined ? undefined : userOf(from.uri);
}

function entriesOf(message: SipMessage, name: 'History-Info' | 'Diversion'): readonly NameAddr[] {
  return message.headers
    .values(name)
    .slice(0, maxRetargets)
    .flatMap((value) => {
      const parsed = value.length > maxRetargetBytes ? undefined : parseNameAddr(value);
      return parsed?.ok === true && userOf(parsed.value.uri) !== undefined ? [parsed.value] : [];
    });
}

function withHost(entry: NameAddr, name: 'History-Info' | 'Diversion', host: string): Omit<NameAddr, 'uriText'> {
  const parameters = only(entry.parameters, name === 'Diversion' ? diversionParameters : historyParameters);
  return { displayName: entry.displayName, uri: movedTo(entry.uri, host), parameters };
}

function movedTo(uri: Uri, host: string): Uri {
  if (uri.scheme === 'tel' || uri.scheme === 'other') return uri;
  const headers = uri.headers
    ?.split('&')
    .filter((header) => uriHeaders.has(header.slice(0, Math.max(0, header.indexOf('='))).toLowerCase()))
    .join('&');
  return {
    scheme: uri.scheme,
    user: uri.user,
    host,
    parameters: only(uri.parameters, uriParameters),
    headers: headers === '' ? undefined : headers,
  };
}

function only(parameters: Parameters, names: ReadonlySet<string>): Parameters {
  return new Map([...parameters].filter(([name]) => names.has(name)));
}

function userOf(uri: Uri): string | undefined {
  if (uri.scheme === 'tel') return uri.number;
  return uri.scheme === 'other' ? undefined : uri.user;
}

/** RFC 7044 §5, RFC 5806 §4, RFC 4458 for `cause`: why and how often, never where. */
const historyParameters: ReadonlySet<string> = new Set(['index', 'rc', 'mp', 'np']);
const diversionParameters: ReadonlySet<string> = new Set(['reason', 'counter', 'limit', 'privacy', 'screen']);
const uriParameters: ReadonlySet<string> = new Set(['user', 'cause']);
const uriHeaders: ReadonlySet<string> = new Set(['reason', 'privacy']);
