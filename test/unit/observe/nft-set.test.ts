import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { NftSet } from '../../../src/observe/nft-set.ts';

/** A program in the place of nft that appends what it is fed to a file. */
function recorder(ending = 'exit 0'): { readonly program: string; fed(): string } {
  const directory = mkdtempSync(join(tmpdir(), 'pc-nft-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const program = join(directory, 'nft');
  const file = join(directory, 'fed');
  writeFileSync(program, `#!/bin/sh\necho "# $*" >> "${file}"\ncat >> "${file}"\necho no such table >&2\n${ending}\n`);
  chmodSync(program, 0o755);
  return { program, fed: () => readFileSync(file, 'utf8') };
}

test('a ban is an element with a time-out, in the set of its family, and replaces the one before', async () => {
  const { program, fed } = recorder();
  const set = new NftSet({ set: 'inet filter banned', logger: silentLogger, program });
  set.add('198.51.100.7', 300_000);
  set.add('2001:db8:1:2::/64', 1);
  set.remove('198.51.100.7');
  await set.settled();
  expect(fed()).toBe(`# -f -
add element inet filter banned { 198.51.100.7 }
delete element inet filter banned { 198.51.100.7 }
add element inet filter banned { 198.51.100.7 timeout 300s }
add element inet filter banned6 { 2001:db8:1:2::/64 }
delete element inet filter banned6 { 2001:db8:1:2::/64 }
add element inet filter banned6 { 2001:db8:1:2::/64 timeout 1s }
add element inet filter banned { 198.51.100.7 }
delete element inet filter banned { 198.51.100.7 }
`);
});

test('what comes while the program runs goes to the next one', async () => {
  const { program, fed } = recorder();
  const set = new NftSet({ set: 'ip a b', logger: silentLogger, program });
  set.remove('192.0.2.1');
  await Promise.resolve();
  await Promise.resolve();
  set.remove('192.0.2.2');
  await set.settled();
  expect(fed().match(/# -f -/g)).toHaveLength(2);
});

test.each([
  ['a program that refuses', (): string => recorder('exit 1').program, 'no such table'],
  ['no program at all', (): string => '/nonexistent/nft', 'ENOENT'],
])('%s is an error in the log, and nothing else', async (_name, programOf, message) => {
  const errors: string[] = [];
  const logger = {
    ...silentLogger,
    error: (event: string, fields?: object) => errors.push(`${event} ${JSON.stringify(fields)}`),
  };
  const set = new NftSet({ set: 'inet filter banned', logger, program: programOf() });
  set.add('198.51.100.7', 1_000);
  await set.settled();
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain(message);
});
