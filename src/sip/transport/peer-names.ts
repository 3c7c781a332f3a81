// Who a certificate says its owner is (RFC 5922 §7.1): URI and DNS subject alternative names; the common name only where
// there is none of either. Comparison is exact (§7.2): no wildcard, no suffix.
import type { PeerCertificate } from 'node:tls';

/** Lower-case names of a verified certificate; a `sip:` URI gives its host. */
export function peerNames(certificate: PeerCertificate): readonly string[] {
  const names = alternativeNames(certificate.subjectaltname ?? '');
  if (names.length > 0) return names;
  const common = certificate.subject?.CN;
  return typeof common === 'string' ? [common.toLowerCase()] : [];
}

/** Whether the certificate's owner may speak for `host`. IP addresses match IP names, since some PBXs have no other. */
export function certificateMatches(certificate: PeerCertificate, host: string): boolean {
  const wanted = host.toLowerCase();
  return peerNames(certificate).includes(wanted) || addressNames(certificate.subjectaltname ?? '').includes(wanted);
}

function alternativeNames(text: string): readonly string[] {
  const names: string[] = [];
  for (const [kind, value] of entries(text)) {
    if (kind === 'DNS') names.push(value.toLowerCase());
    else if (kind === 'URI') names.push(...sipHost(value));
  }
  return names;
}

function addressNames(text: string): readonly string[] {
  return entries(text).flatMap(([kind, value]) => (kind === 'IP Address' ? [value.toLowerCase()] : []));
}

/** Node joins names by `, ` and writes those that could be misread as JSON strings: such a name is dropped. */
function entries(text: string): readonly (readonly [kind: string, value: string])[] {
  if (text.includes('"')) return [];
  return text.split(', ').flatMap((entry): [string, string][] => {
    const colon = entry.indexOf(':');
    return colon > 0 ? [[entry.slice(0, colon), entry.slice(colon + 1)]] : [];
  });
}

/** A SIP URI in a certificate names a domain only when it has no user part (RFC 5922 §7.1). */
function sipHost(uri: string): readonly string[] {
  const lower = uri.toLowerCase();
  const rest = lower.startsWith('sips:') ? lower.slice(5) : lower.startsWith('sip:') ? lower.slice(4) : '';
  return rest === '' || rest.includes('@') ? [] : [rest.split(/[;?]/, 1)[0] ?? ''];
}
