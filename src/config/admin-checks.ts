// What would leave the dashboard open: passwords in clear over a network, or half of what TLS needs.
import type { Finding } from './finding.ts';
import type { ReadableTables } from './schema.ts';

export function adminFindings({ admin }: Pick<ReadableTables, 'admin'>): readonly Finding[] {
  const web = admin?.web;
  if (web === undefined) return [];
  const findings: Finding[] = [];
  const at = (key: string, message: string): void => void findings.push({ path: ['admin', 'web', key], message });
  if (web.certificate !== undefined && web.key === undefined) at('certificate', 'a certificate needs its key');
  if (web.key !== undefined && web.certificate === undefined) at('key', 'a key needs its certificate');
  if (web.certificate === undefined && !isLoopback(web.address.address)) {
    at(
      'address',
      `the dashboard speaks plain HTTP on the loopback only: ${web.address.address} needs certificate and key`,
    );
  }
  if (web.idle_timeout > web.session_lifetime) at('idle_timeout', 'is longer than session_lifetime');
  const probes = admin?.address;
  if (
    probes !== undefined &&
    probes.port !== 0 &&
    probes.port === web.address.port &&
    probes.address === web.address.address
  ) {
    at('address', 'is the address of [admin] address: metrics have a port of their own');
  }
  return findings;
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^127\./.test(address);
}
