// Rules, limits and hours: names that must exist, and settings that would say nothing.
import type { Finding } from './finding.ts';
import type { ReadableTables } from './schema.ts';

export function policyFindings(tables: ReadableTables): readonly Finding[] {
  const findings: Finding[] = [];
  const { rule = [], limit = [], hours, group, trunk, pbx, emergency } = tables;
  for (const [table, entries] of [
    ['rule', rule],
    ['limit', limit],
  ] as const) {
    for (const [index, { groups, trunks }] of entries.entries()) {
      const missing = (
        key: string,
        known: readonly { readonly name: string }[] | undefined,
        named: readonly string[],
      ) => {
        for (const name of named) {
          if (known?.some((one) => one.name === name) === false) {
            findings.push({ path: [table, index, key], message: `there is no ${key.slice(0, -1)} "${name}"` });
          }
        }
      };
      missing('groups', group, groups);
      missing('trunks', trunk, trunks);
    }
  }
  for (const [index, entry] of rule.entries()) {
    if (entry.hours !== undefined && hours?.some(({ name }) => name === entry.hours) === false) {
      findings.push({ path: ['rule', index, 'hours'], message: `there are no hours "${entry.hours}"` });
    }
  }
  for (const [index, entry] of limit.entries()) {
    const { concurrent_calls: calls, calls_per_minute: rate, minutes_per_day: day, minutes_per_month: month } = entry;
    if ([calls, rate, day, month, entry.max_call_duration].every((one) => one === undefined)) {
      findings.push({ path: ['limit', index, 'name'], message: 'limits nothing: it names no number' });
    }
  }
  const [kind, name] = emergency?.via?.split(':') ?? [];
  const peers = kind === 'pbx' ? pbx : kind === 'trunk' ? trunk : undefined;
  if (peers?.some((one) => one.name === name) === false) {
    findings.push({ path: ['emergency', 'via'], message: `there is no ${kind ?? 'peer'} "${name ?? ''}"` });
  }
  return findings;
}
