// Which of the records that DNS gave comes first (RFC 3263 §4.1, §4.2; RFC 2782). Pure: records and chance in, an order out.
import type { Random } from '../../core/random.ts';
import type { TransportName } from './transport.ts';

export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly replacement: string;
}

export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly name: string;
}

/**
 * The name whose SRV records serve that transport, by the first NAPTR record that speaks of it. Records of other transports
 * are no use to a listener that has but one (§4.1), and for `sips` and TLS only SIPS+D2T counts.
 */
export function serviceName(records: readonly NaptrRecord[], transport: TransportName): string | undefined {
  const usable = records.filter(
    ({ flags, service, replacement }) =>
      flags.toLowerCase() === 's' && service.toUpperCase() === naptrServices[transport] && replacement !== '',
  );
  const [first] = usable.toSorted((a, b) => a.order - b.order || a.preference - b.preference);
  return first?.replacement.toLowerCase();
}

/** The name whose SRV records are asked for where no NAPTR record says otherwise (§4.2). */
export function defaultServiceName(host: string, transport: TransportName): string {
  return `${srvPrefixes[transport]}.${host}`;
}

/** By priority; within one, each place is drawn by weight (RFC 2782): 0 still has a small chance. */
export function inDrawnOrder<T extends { readonly priority: number; readonly weight: number }>(
  records: readonly T[],
  random: Random,
): readonly T[] {
  const ordered: T[] = [];
  const priorities = [...new Set(records.map(({ priority }) => priority))].toSorted((a, b) => a - b);
  for (const priority of priorities) {
    // Those of weight 0 first, so that they are picked only when the draw is 0 (RFC 2782).
    const left = records.filter((one) => one.priority === priority).toSorted((a, b) => a.weight - b.weight);
    while (left.length > 0) ordered.push(...left.splice(drawnIndex(left, random), 1));
  }
  return ordered;
}

function drawnIndex(records: readonly { readonly weight: number }[], random: Random): number {
  const total = records.reduce((sum, { weight }) => sum + weight, 0);
  let drawn = random.below(total + 1);
  for (const [index, { weight }] of records.entries()) {
    if (drawn <= weight) return index;
    drawn -= weight;
  }
  return records.length - 1;
}

const naptrServices: Readonly<Record<TransportName, string>> = { udp: 'SIP+D2U', tcp: 'SIP+D2T', tls: 'SIPS+D2T' };
const srvPrefixes: Readonly<Record<TransportName, string>> = { udp: '_sip._udp', tcp: '_sip._tcp', tls: '_sips._tcp' };
