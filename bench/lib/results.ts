// Where figures end up: one JSON file a suite and day, and one table of the newest of each suite.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { PolicyFigures } from '../policy/policy-suite.ts';
import { policyTable } from '../policy/policy-table.ts';
import type { RelayFigures } from '../relay/figures.ts';
import type { SignallingFigures } from '../signalling/signalling-suite.ts';
import { parseJson } from './parse-json.ts';
import { relayChart, relayTable } from './relay-table.ts';
import { type Stamped, signallingTable } from './table.ts';

const directory = fileURLToPath(new URL('../results/', import.meta.url));

/** Returns the path that was written. */
export function writeResults(suite: string, figures: object, note?: string): string {
  mkdirSync(directory, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const file = `${directory}${date}-${suite}.json`;
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    node: process.version,
  };
  writeFileSync(file, `${JSON.stringify({ suite, date, note, machine, ...figures }, null, 2)}\n`);
  writeTable();
  return file;
}

function writeTable(): void {
  const newestRelay = newest('relay');
  const relay = newestRelay === undefined ? undefined : parseJson<RelayFigures & Stamped>(newestRelay);
  if (relay !== undefined) writeFileSync(`${directory}relay.svg`, relayChart(relay));
  // Files from before 27 November 2026 have other phases, which this table does not know.
  const signalling = newest('signalling', '2026-11-27');
  const policy = newest('policy');
  const sections = [
    '# Results',
    'Side by side in the same run, in alternating order, on the same core. These are ratios between two programs on one machine;',
    'absolute figures of a shared virtual machine mean little.',
    ...(relay === undefined ? [] : ['', relayTable(relay)]),
    ...(signalling === undefined ? [] : ['', signallingTable(parseJson<SignallingFigures & Stamped>(signalling))]),
    ...(policy === undefined ? [] : ['', policyTable(parseJson<PolicyFigures & Stamped>(policy))]),
    '',
  ];
  writeFileSync(`${directory}README.md`, sections.join('\n'));
}

function newest(suite: string, since = ''): string | undefined {
  const file = readdirSync(directory)
    .filter((name) => name.endsWith(`-${suite}.json`) && name >= since)
    .sort()
    .at(-1);
  return file === undefined ? undefined : readFileSync(`${directory}${file}`, 'utf8');
}
