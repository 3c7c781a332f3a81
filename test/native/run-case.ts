// The child of run.ts. FILE is below test/. `--list FILE` prints the names of its cases; `FILE NAME` runs one: exit 0 passed, 77 skipped (the reason is
// the last line), anything else failed.
import { messageOf } from '../../src/core/errors.ts';
import { type NativeCase, Skipped } from './case.ts';

const skippedCode = 77;

const [first = '', second = ''] = process.argv.slice(2);
if (first === '--list') {
  console.log(JSON.stringify((await loadCases(second)).map(({ name, limitMs }) => ({ name, limitMs }))));
} else {
  process.exit(await runCase(first, second));
}

async function runCase(file: string, name: string): Promise<number> {
  const found = (await loadCases(file)).find((one) => one.name === name);
  if (found === undefined) throw new Error(`${file} has no case "${name}"`);
  try {
    await found.run();
    return 0;
  } catch (thrown) {
    console.log(thrown instanceof Skipped ? thrown.message : stackOf(thrown));
    return thrown instanceof Skipped ? skippedCode : 1;
  }
}

async function loadCases(file: string): Promise<readonly NativeCase[]> {
  const module: unknown = await import(new URL(`../${file}`, import.meta.url).href);
  if (typeof module !== 'object' || module === null || !('cases' in module) || !Array.isArray(module.cases)) {
    throw new Error(`${file} does not export cases`);
  }
  const cases: readonly NativeCase[] = module.cases;
  const names = new Set(cases.map(({ name }) => name));
  if (names.size !== cases.length || cases.length === 0) throw new Error(`${file}: no cases, or a name comes twice`);
  return cases;
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);
}
