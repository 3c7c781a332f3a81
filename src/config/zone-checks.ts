// Zones: names that must exist, and zones that nobody can be in.
import { parseCidr } from '../core/cidr.ts';
import type { Finding } from './finding.ts';
import type { Config, ListenerConfig, ReadableTables } from './schema.ts';

export function zoneFindings(tables: ReadableTables): readonly Finding[] {
  const { zone, group, user, listener } = tables;
  const findings: Finding[] = [];
  for (const [index, entry] of (zone ?? []).entries()) {
    const at = (key: string, message: string): void => void findings.push({ path: ['zone', index, key], message });
    const { listeners, networks, interfaces } = entry;
    if (listeners.length + networks.length + interfaces.length === 0) {
      at('name', 'says nothing: it names no listener, network or interface');
    }
    for (const name of listeners) {
      if (listener?.some((one) => one.name === name) === false) at('listeners', `there is no listener "${name}"`);
    }
    const reason = unreachable(entry, tables);
    if (reason !== undefined) at('name', reason);
  }
  for (const [table, entries] of [
    ['group', group],
    ['user', user],
  ] as const) {
    for (const [index, { zones = [] }] of (entries ?? []).entries()) {
      for (const name of zones) {
        if (zone?.some((one) => one.name === name) !== false) continue;
        findings.push({ path: [table, index, 'zones'], message: `there is no zone "${name}"` });
      }
    }
  }
  return findings;
}

/** Why no user can be in it, where that is plain from the file. */
function unreachable(zone: Config['zone'][number], { listener, pbx }: ReadableTables): string | undefined {
  const named = (listener ?? []).filter(({ name }) => zone.listeners.length === 0 || zone.listeners.includes(name));
  if (named.length === 0) return undefined;
  const outside = named.filter(({ name }) => pbx?.some((one) => one.listener === name) !== true);
  if (outside.length === 0) return 'no user reaches it: its listeners are for PBXs';
  const families = new Set(zone.networks.flatMap((block) => familyOf(block)));
  const reached = outside.filter(
    (one) => families.size === 0 || familiesOf(one).some((family) => families.has(family)),
  );
  if (reached.length === 0) return 'no listener reaches it: they and its networks are of different IP versions';
  if (zone.interfaces.length === 0 || reached.some((one) => !hidesAddress(one))) return undefined;
  return 'no listener tells its interfaces apart: one on UDP must be bound to an address of the interface';
}

function familyOf(block: string): readonly (4 | 6)[] {
  const cidr = parseCidr(block);
  return cidr.ok ? [cidr.value.family] : [];
}

function familiesOf({ address: { address } }: ListenerConfig): readonly (4 | 6)[] {
  if (address === '::') return [4, 6];
  return address.includes(':') ? [6] : [4];
}

/** A datagram does not say which of our addresses it was sent to. */
function hidesAddress({ transport, address: { address } }: ListenerConfig): boolean {
  return transport === 'udp' && (address === '0.0.0.0' || address === '::');
}
