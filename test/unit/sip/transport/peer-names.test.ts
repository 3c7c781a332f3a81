import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { certificateMatches, peerNames } from '../../../../src/sip/transport/peer-names.ts';
import { TestAuthority, type TestNames } from '../../../support/test-certificates.ts';

const authority = new TestAuthority();

/** The form in which Node hands out the certificate of a peer. */
function certificateOf(names: TestNames): PeerCertificate {
  return new X509Certificate(authority.issue(names).certificate).toLegacyObject();
}

function namesOf(names: TestNames): readonly string[] {
  return peerNames(certificateOf(names));
}

describe('the names of a certificate (RFC 5922 §7.1)', () => {
  test('are its DNS names and the hosts of its SIP URIs, in lower case', () => {
    expect(namesOf({ dns: ['SIP.Carrier.Example'], uris: ['sip:Carrier.Example', 'SIP:b.example:5061;x=y'] })).toEqual([
      'sip.carrier.example',
      'carrier.example',
      'b.example',
    ]);
  });

  test('are none of a URI that names a user, or that has another scheme', () => {
    const uris = [
      'sip:alice@carrier.example',
      'sips:carrier.example',
      'https://carrier.example',
      'urn:x:carrier.example',
    ];
    expect(namesOf({ uris })).toEqual([]);
  });

  test('are the common name only where there is no alternative name at all', () => {
    expect(namesOf({ commonName: 'Old.Carrier.Example' })).toEqual(['old.carrier.example']);
    expect(namesOf({ commonName: 'old.carrier.example', dns: ['new.carrier.example'] })).toEqual([
      'new.carrier.example',
    ]);
    expect(namesOf({ commonName: 'old.carrier.example', addresses: ['192.0.2.1'] })).toEqual([]);
    expect(namesOf({ commonName: 'old.carrier.example', uris: ['sip:alice@carrier.example'] })).toEqual([]);
  });

  test('do not include what a name pretends to be a list of', () => {
    const dns = [
      'good.example',
      'x,y"z',
      'x, DNS:victim.example',
      'y", DNS:victim.example',
      'z\\", DNS:victim.example',
    ];
    expect(namesOf({ dns })).toEqual(['good.example']);
    expect(namesOf({ commonName: 'victim.example', dns: ['x, DNS:victim.example'] })).toEqual([]);
  });

  test('do not include a letter of another script that becomes ASCII in lower case', () => {
    expect(namesOf({ commonName: 'ban\u212a.example' })).toEqual([]);
  });

  test('are none where there is no certificate', () => {
    expect(peerNames({} as PeerCertificate)).toEqual([]);
  });
});

describe('a certificate speaks for a next hop (RFC 5922 §7.2)', () => {
  test.each([
    ['the very name, in any case', { dns: ['sip.carrier.example'] }, 'SIP.carrier.EXAMPLE', true],
    ['not a name below it', { dns: ['carrier.example'] }, 'sip.carrier.example', false],
    ['not a name above it', { dns: ['sip.carrier.example'] }, 'carrier.example', false],
    ['no wildcard', { dns: ['*.carrier.example'] }, 'sip.carrier.example', false],
    ['an address that it names', { addresses: ['192.0.2.1'] }, '192.0.2.1', true],
    ['no address that it does not', { addresses: ['192.0.2.1'] }, '192.0.2.2', false],
    [
      'no address that is its common name beside a DNS name',
      { commonName: '192.0.2.1', dns: ['a'] },
      '192.0.2.1',
      false,
    ],
  ])('%s', (_what, names, host, expected) => {
    expect(certificateMatches(certificateOf(names), host)).toBe(expected);
  });

  test('an IPv6 address however it is written', () => {
    const certificate = { subjectaltname: 'IP Address:2001:DB8:0:0:0:0:0:1' } as PeerCertificate;
    expect(certificateMatches(certificate, '2001:db8::1')).toBe(true);
    expect(certificateMatches(certificate, '2001:db8::2')).toBe(false);
  });
});
