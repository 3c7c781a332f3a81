// A file of authorities that names nobody must never become "everybody that Node trusts".
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readAuthorities } from '../../../src/config/authorities.ts';
import { TestAuthority } from '../../support/test-certificates.ts';
import { temporaryDirectory } from '../store/stores.ts';

const one = new TestAuthority('one').certificate.trim();
const two = new TestAuthority('two').certificate.trim();

function read(pem: string | undefined): ReturnType<typeof readAuthorities> {
  const file = join(temporaryDirectory(), 'ca.pem');
  if (pem !== undefined) writeFileSync(file, pem);
  return readAuthorities(file);
}

describe('a file of authorities', () => {
  test('is every certificate in it, whatever stands about them', () => {
    expect(read(`Subject: one\n${one}\n\n# and\r\n${two.replaceAll('\n', '\r\n')}`)).toEqual({
      ok: true,
      value: [one, two.replaceAll('\n', '\r\n')],
    });
  });

  test.each([
    ['is empty', '', 'holds no certificate'],
    ['holds white space', ' \n', 'holds no certificate'],
    ['holds something else', 'garbage', 'holds no certificate'],
    ['holds a key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', 'holds no certificate'],
    ['ends within its only certificate', one.slice(0, -30), 'holds no certificate'],
    ['ends within its last certificate', `${one}\n${two.slice(0, -30)}`, 'begins 2 certificates and ends 1'],
    ['ends within its first certificate', `${one.slice(0, -30)}\n${two}`, 'begins 2 certificates and ends 1'],
    [
      'holds a certificate that is none',
      `${one}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
      'holds a certificate that cannot be read, number 2',
    ],
  ])('that %s is refused', (_what, pem, reason) => {
    const result = read(pem);
    expect(result.ok ? [] : [result.error.code, result.error.detail]).toEqual([
      'certificate-unusable',
      expect.stringContaining(`ca.pem ${reason}`),
    ]);
  });

  test('that is not there is refused', () => {
    expect(read(undefined)).toMatchObject({ ok: false, error: { code: 'file-unreadable' } });
  });
});
