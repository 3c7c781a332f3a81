// How the processes of a supervisor are started, with real ones.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { serviceFlags } from '../../../scripts/launch/service-flags.js';
import { childLauncher, servingFlags } from '../../../src/supervisor/launch-child.ts';

const folder = mkdtempSync(join(tmpdir(), 'pc-child-'));
const program = join(folder, 'program.mjs');
writeFileSync(
  program,
  'process.send({ flags: process.execArgv, words: process.argv.slice(2), role: process.env.PORTCULLIS_CHILD });',
);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a child is told what V8 is to do where calls are served, and what it is itself', async () => {
  const said = await new Promise((resolve) => {
    childLauncher({ program, args: ['run'], environment: process.env }, () => {})('spare', {
      onMessage: resolve,
      onExit: () => {},
    });
  });
  expect(said).toMatchObject({ words: ['run'], role: 'spare' });
  expect(said).toHaveProperty('flags', [...servingFlags, ...process.execArgv]);
});

test('a Node that does not know what V8 is to be told is started without it from the next time on', async () => {
  let told = 0;
  // As Node ends where it does not know an option, before it reads the program.
  const refusing = join(folder, 'refusing.mjs');
  const flag = JSON.stringify(servingFlags[0]);
  writeFileSync(
    refusing,
    `if (process.execArgv.includes(${flag})) process.exit(9);\nprocess.send(process.execArgv.length, () => process.exit(9));`,
  );
  const launch = childLauncher({ program: refusing, args: [], environment: process.env }, () => {
    told += 1;
  });
  const run = (): Promise<{ readonly said: unknown; readonly code: number | null }> =>
    new Promise((resolve) => {
      let said: unknown;
      launch('serve', {
        onMessage: (message) => {
          said = message;
        },
        onExit: ({ code }) => resolve({ said, code }),
      });
    });
  expect(await run()).toEqual({ said: undefined, code: 9 });
  expect(told).toBe(1);
  expect(await run()).toEqual({ said: process.execArgv.length, code: 9 });
  expect(told).toBe(1);
});

test('who serves without a supervisor is told the same, by the launcher and in the image', () => {
  expect(serviceFlags).toEqual(expect.arrayContaining([...servingFlags]));
  const dockerfile = readFileSync(join(import.meta.dirname, '../../../Dockerfile'), 'utf8');
  expect(dockerfile).toContain(
    `ENTRYPOINT ${JSON.stringify(['node', ...serviceFlags, 'bin/portcullis.js']).replaceAll(',', ', ')}`,
  );
});
