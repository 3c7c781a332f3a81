// Who a certificate says its owner is (RFC 5922 §7.1): URI and DNS subject alternative names; the common name only where
// there is no subject alternative name at all. Comparison is exact (§7.2): no wildcard, no suffix.
import type { PeerCertificate } from 'node:tls';
import { canonicalIPv6 } from '../../core/ip-address.ts';

/** Lower-case names of a verified certificate; a `sip:` URI gives its host. */
export function peerNames(certificate: PeerCertificate): readonly string[] {
  const { subject, subjectaltname } = certificate;
  if (subjectaltname !== undefined && subjectaltname !== '') return alternativeNames(subjectaltname);
  const common = subject?.CN;
  return typeof common === 'string' ? asciiNames(common) : [];
}

/** Whether the certificate's owner may speak for `host`. IP addresses match IP names, since some PBXs have no other. */
export function certificateMatches(certificate: PeerCertificate, host: string): boolean {
  const wanted = host.toLowerCase();
  const addresses = addressNames(certificate.subjectaltname ?? '');
  return peerNames(certificate).includes(wanted) || addresses.includes(canonicalIPv6(wanted) ?? wanted);
}

function alternativeNames(text: string): readonly string[] {
  const names: string[] = [];
  for (const [kind, value] of entries(text)) {
    if (kind === 'DNS') names.push(...asciiNames(value));
    else if (kind === 'URI') names.push(...sipHost(value));
  }
  return names;
}

function addressNames(text: string): readonly string[] {
  return entries(text).flatMap(([kind, value]) => (kind === 'IP Address' ? [canonicalIPv6(value) ?? value] : []));
}

/** Node joins names by `, ` and writes those that could be misread as JSON strings: such a name is dropped. */
function entries(text: string): readonly (readonly [kind: string, value: string])[] {
  const found: [string, string][] = [];
  let start = 0;
  let isQuoted = false;
  let holdsQuote = false;
  for (let index = 0; index <= text.length; index += 1) {
    const character = text[index];
    if (character === '"') {
      isQuoted = !isQuoted;
      holdsQuote = true;
    } else if (character === '\\' && isQuoted) index += 1;
    else if (character === undefined || (!isQuoted && text.startsWith(', ', index))) {
      const colon = text.indexOf(':', start);
      if (!holdsQuote && colon > start && colon < index) {
        found.push([text.slice(start, colon), text.slice(colon + 1, index)]);
      }
      start = index + 2;
      holdsQuote = false;
    }
  }
  return found;
}

/** The hosts of a `sip:` URI (no other scheme is a SIP identity) that names a domain, not a user (RFC 5922 §7.1). */
function sipHost(uri: string): readonly string[] {
  if (uri.slice(0, 4).toLowerCase() !== 'sip:' || uri.includes('@')) return [];
  return asciiNames(uri.slice(4).split(/[:;?]/, 1)[0] ?? '');
}

/** Some letters of other scripts become ASCII in lower case (the Kelvin sign a k): such a name is no host name. */
function asciiNames(name: string): readonly string[] {
  return /^[!-~]+$/.test(name) ? [name.toLowerCase()] : [];
}
