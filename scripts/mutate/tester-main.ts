// The process of a `Tester`: one vitest in the tree where it is started. Starting it costs more than most tests, so it stays, and
// before each run forgets what it knew of the file that is another now.
import { join, relative, sep } from 'node:path';
import { createVitest, type TestModule, type TestSpecification } from 'vitest/node';
import type { TestOrder, TestOutcome } from './tester.ts';

/** The nearest tests come first, since one that fails is enough. */
class InGivenOrder {
  sort(files: TestSpecification[]): TestSpecification[] {
    return files;
  }

  shard(files: TestSpecification[]): TestSpecification[] {
    return files;
  }
}

const tree = process.cwd();
const vitest = await createVitest({
  root: tree,
  watch: false,
  bail: 1,
  maxWorkers: 1,
  // Half as much to start as a process.
  pool: 'threads',
  reporters: [{}],
  sequence: { shuffle: false, sequencer: InGivenOrder },
});
const specifications = new Map<string, TestSpecification[]>();
for (const specification of await vitest.globTestSpecifications()) {
  const path = relative(tree, specification.moduleId).split(sep).join('/');
  specifications.set(path, [...(specifications.get(path) ?? []), specification]);
}
let before: string | undefined;

process.on('disconnect', () => process.kill(0, 'SIGKILL'));
process.on('message', (order: TestOrder) => {
  void run(order).then((outcome) => process.send?.(outcome));
});
process.send?.('ready');

async function run({ changed, tests }: TestOrder): Promise<TestOutcome> {
  // What failed in an earlier run would count for `bail`.
  vitest.state.filesMap.clear();
  vitest.state.idMap.clear();
  for (const file of [before, changed]) if (file !== undefined) vitest.invalidateFile(join(tree, file));
  before = changed;
  const chosen = tests.flatMap((path) => specifications.get(path) ?? []);
  if (chosen.length < tests.length) return { result: 'failed', failure: 'vitest does not know some of the tests' };
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(chosen);
  const failed = testModules.find((module) => !module.ok());
  if (failed === undefined && unhandledErrors.length === 0 && testModules.length > 0) {
    return { result: 'passed', millis: Object.fromEntries(testModules.map(durationOf)) };
  }
  return { result: 'failed', failure: failed === undefined ? String(unhandledErrors[0]) : failureOf(failed) };
}

function durationOf(module: TestModule): [test: string, millis: number] {
  return [relative(tree, module.moduleId).split(sep).join('/'), module.diagnostic().duration];
}

function failureOf(module: TestModule): string {
  const [test] = module.children.allTests('failed');
  const [error] = test?.result().errors ?? module.errors();
  return `${module.relativeModuleId}: ${test?.fullName ?? 'cannot be loaded'}: ${error?.message ?? ''}`;
}
