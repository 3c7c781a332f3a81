// How the processes of a supervisor are started, with real ones.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { serviceFlags } from '../../../scripts/launch/service-flags.js';
import { launchChild, servingFlags } from '../../../src/supervisor/launch-child.ts';

const folder = mkdtempSync(join(tmpdir(), 'pc-child-'));
const program = join(folder, 'program.mjs');
writeFileSync(
  program,
  'process.send({ flags: process.execArgv, words: process.argv.slice(2), role: process.env.PORTCULLIS_CHILD });',
);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a child is told what V8 is to do where calls are served, and what it is itself', async () => {
  const said = await new Promise((resolve) => {
    launchChild({ program, args: ['run'], environment: process.env }, 'spare', {
      onMessage: resolve,
      onExit: () => {},
    });
  });
  expect(said).toMatchObject({ words: ['run'], role: 'spare' });
  expect(said).toHaveProperty('flags', [...servingFlags, ...process.execArgv]);
});

test('who serves without a supervisor is told the same, by the launcher and in the image', () => {
  expect(serviceFlags).toEqual(expect.arrayContaining([...servingFlags]));
  const dockerfile = readFileSync(join(import.meta.dirname, '../../../Dockerfile'), 'utf8');
  expect(dockerfile).toContain(
    `ENTRYPOINT ${JSON.stringify(['node', ...serviceFlags, 'bin/portcullis.js']).replaceAll(',', ', ')}`,
  );
});
