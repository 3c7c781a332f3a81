// The part of bench/results/README.md that tells what a decision costs.
import { formatSummary } from '../lib/statistics.ts';
import type { Stamped } from '../lib/table.ts';
import type { PolicyFigures } from './policy-suite.ts';

export function policyTable({ date, machine, rules, memory, growth, sqlite }: PolicyFigures & Stamped): string {
  return [
    '## Policy: decide, reserve and release',
    '',
    `${date}, ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}. ${rules} rules. Median (lowest–highest) of ${growth.runs} runs.`,
    '',
    '| | a second |',
    '| --- | --- |',
    ...memory.map(({ users, perSecond }) => `| ${users} users, in memory | ${formatSummary(perSecond, 0)} |`),
    `| the most users by the fewest | ${formatSummary(growth)} |`,
    `| ${sqlite.users} users, minutes of the day kept in SQLite | ${formatSummary(sqlite.perSecond, 0)} |`,
    '',
    'Repeat: `npm run bench -- policy`',
  ].join('\n');
}
