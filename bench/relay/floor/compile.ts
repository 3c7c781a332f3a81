// Compiles the C floor into .cache/bench, for the benchmark only. Where gcc or libcrypto's headers are missing it is not measured.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../../src/core/errors.ts';
import { err, ok, type Result } from '../../../src/core/result.ts';

const source = fileURLToPath(new URL('./floor.c', import.meta.url));
const program = fileURLToPath(new URL('../../../.cache/bench/floor', import.meta.url));

/** The path of the program, or why there is none. */
export function compileFloor(): Result<string, string> {
  try {
    mkdirSync(dirname(program), { recursive: true });
    const flags = ['-O2', '-Wno-deprecated-declarations', '-o', program, source, '-lcrypto'];
    execFileSync('gcc', flags, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 60_000 });
    return ok(program);
  } catch (thrown) {
    return err(`gcc and libssl-dev: ${messageOf(thrown).slice(0, 200)}`);
  }
}
