// Where figures end up: one JSON file a suite and day. The table is made from the newest of each suite.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';

const directory = fileURLToPath(new URL('../results/', import.meta.url));

/** Returns the path that was written. */
export function writeResults(suite: string, figures: object): string {
  mkdirSync(directory, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const file = `${directory}${date}-${suite}.json`;
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    node: process.version,
  };
  writeFileSync(file, `${JSON.stringify({ suite, date, machine, ...figures }, null, 2)}\n`);
  return file;
}
