// Where figures end up: a JSON file for each day with every suite that ran, and of the newest of each suite a table, charts, and the
// comparison in the README of the project.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { PolicyFigures } from '../policy/policy-suite.ts';
import { policyTable } from '../policy/policy-table.ts';
import type { RelayFigures } from '../relay/figures.ts';
import type { SignallingFigures } from '../signalling/signalling-suite.ts';
import type { StartupFigures } from '../startup/startup-suite.ts';
import { startupTable } from '../startup/startup-table.ts';
import type { SurviveFigures } from '../survive/survive-suite.ts';
import { surviveTable } from '../survive/survive-table.ts';
import { parseJson } from './parse-json.ts';
import { ratioChart } from './ratio-chart.ts';
import { newestRelayTable, relayChart, relayTable } from './relay-table.ts';
import { relayRows, type SideBySide, sideBySideTable, signallingRows } from './side-by-side.ts';
import { type Stamped, signallingTable } from './table.ts';

/** What is kept, by its name: the figures of each suite, and of the relay also those beside the newest rtpengine. */
export interface KeptFigures {
  readonly relay: RelayFigures;
  readonly relayNewest: RelayFigures;
  readonly signalling: SignallingFigures;
  readonly policy: PolicyFigures;
  readonly startup: StartupFigures;
  readonly survive: SurviveFigures;
}

export type KeptName = keyof KeptFigures;
export type SuiteName = Exclude<KeptName, 'relayNewest'>;

/** One day. */
interface ResultFile {
  readonly date: string;
  readonly suites: { readonly [name in KeptName]?: KeptFigures[name] & Stamped };
}

export interface RunNotes {
  readonly seconds: number;
  readonly note?: string | undefined;
}

const directory = fileURLToPath(new URL('../results/', import.meta.url));
const readme = fileURLToPath(new URL('../../README.md', import.meta.url));

/** Keeps the figures of a suite and writes tables and charts anew. Returns the path of its file. */
export function keepFigures<Name extends KeptName>(name: Name, figures: KeptFigures[Name], notes: RunNotes): string {
  mkdirSync(directory, { recursive: true });
  const stamped = stamp(figures, notes);
  const file = `${directory}${stamped.date}.json`;
  const before = existsSync(file) ? parseJson<ResultFile>(readFileSync(file, 'utf8')).suites : {};
  writeFileSync(file, `${JSON.stringify({ date: stamped.date, suites: { ...before, [name]: stamped } }, null, 2)}\n`);
  writeTables();
  return file;
}

/** The same table as that of figures that are kept. */
export function tableOf<Name extends KeptName>(name: Name, figures: KeptFigures[Name], notes: RunNotes): string {
  return tables[name](stamp(figures, notes));
}

/** The newest figures of a suite, or undefined where it never ran. */
export function newest<Name extends KeptName>(name: Name): (KeptFigures[Name] & Stamped) | undefined {
  const files = existsSync(directory) ? readdirSync(directory) : [];
  for (const file of files
    .filter((one) => /^\d{4}-\d\d-\d\d\.json$/.test(one))
    .sort()
    .toReversed()) {
    const figures = parseJson<ResultFile>(readFileSync(`${directory}${file}`, 'utf8')).suites[name];
    if (figures !== undefined) return figures;
  }
  return undefined;
}

/** The rows of every suite that has a reference, newest figures. */
export function newestRows(): readonly SideBySide[] {
  const [relay, signalling] = [newest('relay'), newest('signalling')];
  return [
    ...(signalling === undefined ? [] : signallingRows(signalling)),
    ...(relay === undefined ? [] : relayRows(relay)),
  ];
}

/** What stands in the README between the marks, made of the newest figures. */
export function readmeComparison(): string {
  const [relay, signalling] = [newest('relay'), newest('signalling')];
  const notes = [signalling, relay].flatMap((one) => (one?.note === undefined ? [] : [`${one.date}: ${one.note}`]));
  return [
    '![Ratios side by side](bench/results/ratios.svg)',
    '',
    sideBySideTable(newestRows()),
    '',
    `Measured on ${[...new Set([signalling, relay].flatMap((one) => (one === undefined ? [] : [groundOf(one)])))].join(' and ')}.`,
    ...notes.map((note) => `\n${note}`),
  ].join('\n');
}

export const comparisonMarks = { begin: '<!-- bench:begin -->', end: '<!-- bench:end -->' } as const;

/** A text with what is between its marks replaced. */
export function withComparison(text: string, comparison: string): string {
  const { begin, end } = comparisonMarks;
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md has no ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n${comparison}\n${text.slice(to)}`;
}

const tables: { readonly [name in KeptName]: (figures: KeptFigures[name] & Stamped) => string } = {
  relay: relayTable,
  relayNewest: newestRelayTable,
  signalling: signallingTable,
  policy: policyTable,
  startup: startupTable,
  survive: surviveTable,
};

/** Writes results/README.md, the charts and the README of the project from the figures that are kept. */
export function writeTables(): void {
  const [relay, relayNewest, signalling, policy, startup, survive] = [
    newest('relay'),
    newest('relayNewest'),
    newest('signalling'),
    newest('policy'),
    newest('startup'),
    newest('survive'),
  ];
  if (relay !== undefined) writeFileSync(`${directory}relay.svg`, relayChart(relay));
  const rows = newestRows();
  if (rows.length > 0) writeFileSync(`${directory}ratios.svg`, ratioChart('Portcullis by the reference', rows));
  const sections = [
    '# Results',
    'Side by side in the same run, in alternating order, on the same core. These are ratios between two programs on one machine;',
    'absolute figures of a shared virtual machine mean little. The reference is Kamailio with rtpengine.',
    ...(rows.length === 0 ? [] : ['', '![Ratios side by side](ratios.svg)', '', sideBySideTable(rows)]),
    ...(signalling === undefined ? [] : ['', signallingTable(signalling)]),
    ...(relay === undefined ? [] : ['', relayTable(relay)]),
    ...(relayNewest === undefined ? [] : ['', newestRelayTable(relayNewest)]),
    ...(startup === undefined ? [] : ['', startupTable(startup)]),
    ...(survive === undefined ? [] : ['', surviveTable(survive)]),
    ...(policy === undefined ? [] : ['', policyTable(policy)]),
    '',
  ];
  writeFileSync(`${directory}README.md`, sections.join('\n'));
  writeFileSync(readme, withComparison(readFileSync(readme, 'utf8'), readmeComparison()));
}

function stamp<Figures extends object>(figures: Figures, { seconds, note }: RunNotes): Figures & Stamped {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    node: process.version,
  };
  const date = new Date().toISOString().slice(0, 10);
  return { date, note, seconds: Math.round(seconds), machine, ...figures };
}

function groundOf({ date, machine }: Stamped): string {
  return `${date} with ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}`;
}
