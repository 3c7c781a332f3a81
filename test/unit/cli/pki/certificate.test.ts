import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { connect, createServer } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { issueCertificate } from '../../../../src/cli/pki/certificate.ts';
import {
  type DevelopmentCertificates,
  developmentCertificates,
} from '../../../../src/cli/pki/development-certificates.ts';
import { systemRandom } from '../../../../src/core/random.ts';

const now = Date.now();
const names = { dnsNames: ['localhost', 'pbx.test'], addresses: ['127.0.0.1', '192.0.2.7', '2001:db8::5'] };
const made = developmentCertificates(names, now, systemRandom);
const authority = new X509Certificate(made.authority);
const server = new X509Certificate(made.certificate);

describe('a development authority', () => {
  test('is an authority that vouches for itself and for the server', () => {
    expect(authority.ca).toBe(true);
    expect(authority.checkIssued(authority)).toBe(true);
    expect(authority.verify(authority.publicKey)).toBe(true);
    expect(server.checkIssued(authority)).toBe(true);
    expect(server.verify(authority.publicKey)).toBe(true);
    expect(server.verify(server.publicKey)).toBe(false);
  });

  test('is another one each time, with serial numbers that are positive and long', () => {
    const other = new X509Certificate(developmentCertificates(names, now, systemRandom).authority);
    const serials = [authority, server, other].map(({ serialNumber }) => serialNumber);
    expect(new Set(serials).size).toBe(3);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(other.publicKey.equals(authority.publicKey)).toBe(false);
  });
});

describe('a development server certificate', () => {
  test('is no authority, and for servers only', () => {
    expect(server.ca).toBe(false);
    expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  });

  test('carries every name and address (RFC 5280 §4.2.1.6)', () => {
    expect(server.subjectAltName).toBe(
      'DNS:localhost, DNS:pbx.test, IP Address:127.0.0.1, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:5',
    );
    expect(server.checkHost('pbx.test')).toBe('pbx.test');
    expect(server.checkHost('other.test')).toBeUndefined();
    expect(server.checkIP('192.0.2.7')).toBe('192.0.2.7');
    expect(server.checkIP('192.0.2.8')).toBeUndefined();
  });

  test('holds from a day ago, no longer than phones take', () => {
    expect(server.validFromDate.getTime()).toBeLessThan(now);
    expect(server.validToDate.getTime()).toBe(Math.floor(made.notAfter / 1000) * 1000);
    const days = (server.validToDate.getTime() - server.validFromDate.getTime()) / 86_400_000;
    expect(days).toBeGreaterThan(365);
    expect(days).toBeLessThanOrEqual(397);
  });

  test('belongs to its key', () => {
    expect(server.checkPrivateKey(createPrivateKey(made.key))).toBe(true);
  });

  test('refuses what is no numeric address', () => {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    for (const address of ['pbx.test', '192.0.2.0/24', '']) {
      const request = {
        role: { kind: 'server', dnsNames: [], addresses: [address] },
        commonName: 'x',
        publicKey: keys.publicKey,
        issuer: { commonName: 'x', ...keys },
        notBefore: now,
        notAfter: now + 1000,
      } as const;
      expect(() => issueCertificate(request, systemRandom), address).toThrow(/numeric address/);
    }
  });
});

describe('a TLS handshake with it', () => {
  test.each([
    ['127.0.0.1', undefined],
    ['127.0.0.1', 'pbx.test'],
  ])('is accepted by who trusts the authority (%s, %s)', async (host, servername) => {
    expect(await handshake(made, { host, servername, ca: made.authority })).toBe('TLSv1.3');
  });

  test('is refused under another name', async () => {
    const refused = handshake(made, { host: '127.0.0.1', servername: 'other.test', ca: made.authority });
    await expect(refused).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  test('is refused by who trusts another authority of the same name', async () => {
    const { authority: ca } = developmentCertificates(names, now, systemRandom);
    await expect(handshake(made, { host: '127.0.0.1', servername: 'pbx.test', ca })).rejects.toThrow();
  });
});

/** Resolves with the protocol version that both agreed on; rejects as the client sees it. */
async function handshake(
  { certificate, key }: DevelopmentCertificates,
  { host, servername, ca }: { host: string; servername: string | undefined; ca: string },
): Promise<string | null> {
  const listening = createServer({ cert: certificate, key }, (socket) => socket.end());
  await new Promise<void>((resolve) => listening.listen(0, host, resolve));
  const bound = listening.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  try {
    return await new Promise((resolve, reject) => {
      const name = servername === undefined ? {} : { servername };
      const socket = connect({ host, port, ca, ...name }, () => {
        resolve(socket.getProtocol());
        socket.destroy();
      });
      socket.once('error', reject);
    });
  } finally {
    await new Promise((resolve) => listening.close(resolve));
  }
}
