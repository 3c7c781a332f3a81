import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importsIn, Reach } from '../../../scripts/mutate/reach.ts';

let root = '';

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'reach-'));
  const files = {
    'src/a/one.ts': "import { two } from './two.ts';\n",
    'src/a/two.ts': "import type { Three } from './three.ts';\nimport { one } from './one.ts';\n",
    'src/a/three.ts': '',
    'test/a/near.test.ts': "import { test } from 'vitest';\nimport { two } from '../../src/a/two.ts';\n",
    'test/a/far.test.ts': "import { test } from 'vitest';\nimport {\n  one,\n} from '../../src/a/one.ts';\n",
    'test/a/other.test.ts': "import { test } from 'vitest';\n",
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

test('the tests of a file are those that lead to it, the nearest first, and none that needs its types alone', () => {
  const reach = new Reach(root);
  expect(reach.testsOf('src/a/two.ts', ['test/**/*.test.ts'])).toEqual(['test/a/near.test.ts', 'test/a/far.test.ts']);
  expect(reach.testsOf('src/a/three.ts', ['test/**/*.test.ts'])).toEqual([]);
  expect(reach.testsOf('src/a/two.ts', ['test/b/*.test.ts'])).toEqual([]);
});

test.each([
  ["import './a.ts';", ['./a.ts']],
  ["export { a } from './a.ts';", ['./a.ts']],
  ["export * from './a.ts';", ['./a.ts']],
  ["const { a } = await import('./a.ts');", ['./a.ts']],
  ["import a from 'a';\nimport {\n  b,\n} from '../b.ts';", ['../b.ts']],
  ["export type { A } from './a.ts';\nconst text = \"from './b.ts'\";", []],
])('what %j imports', (text, expected) => {
  expect(importsIn(text)).toEqual(expected);
});
