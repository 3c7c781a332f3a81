// Keys come from the chance of the process, and dates are written by it: the one part of media/dtls that is not pure.
import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { createDtlsIdentity, ownFingerprint } from '../../../../src/media/dtls/identity.ts';
import { SeededRandom } from '../../../support/fake-time.ts';

test('our certificate is a self-signed one on P-256 that says nothing of us, valid now', () => {
  const now = Date.parse('2026-03-01T00:00:00Z');
  const identity = createDtlsIdentity(now, new SeededRandom(1));
  const read = new X509Certificate(identity.certificate);
  expect(read.subject).toBe('CN=media');
  expect(read.verify(read.publicKey)).toBe(true);
  expect(read.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  expect(Date.parse(read.validFrom)).toBeLessThan(now);
  expect(ownFingerprint(identity).value).toBe(read.fingerprint256);
});
