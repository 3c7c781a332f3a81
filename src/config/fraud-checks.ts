// The rules of fraud detection: names that must exist, and settings that would say nothing.
import type { Finding } from './finding.ts';
import type { ReadableTables } from './schema.ts';

export function fraudFindings({ fraud, hours }: ReadableTables): readonly Finding[] {
  if (fraud === undefined) return [];
  const findings: Finding[] = [];
  if (fraud.hours !== undefined && hours?.some(({ name }) => name === fraud.hours) === false) {
    findings.push({ path: ['fraud', 'hours'], message: `there are no hours "${fraud.hours}"` });
  }
  const seen = new Set<string>();
  for (const [index, rule] of fraud.rule.entries()) {
    const at = (key: string, message: string): void =>
      void findings.push({ path: ['fraud', 'rule', index, key], message });
    const { name, kind, warn, act, window, actions } = rule;
    if (seen.has(name)) at('name', `there are two rules of fraud detection named "${name}"`);
    seen.add(name);
    if (warn === undefined && act === undefined) at('name', 'says nothing: it has neither "warn" nor "act"');
    if (warn !== undefined && act !== undefined && warn >= act)
      at('warn', `${warn} is not below "act", which is ${act}`);
    if (actions.length > 0 && act === undefined) at('actions', 'nothing is ever done: there is no "act"');
    if (window < shortestWindow) at('window', 'is shorter than a minute');
    if (kind === 'new-source-country' && fraud.networks === undefined) {
      at('kind', 'needs "networks", the file that says which country a network is in');
    }
    if (kind === 'out-of-hours-calls' && fraud.hours === undefined) {
      at('kind', 'needs "hours", the name of the hours that are normal');
    }
  }
  return findings;
}

const shortestWindow = 60_000;
