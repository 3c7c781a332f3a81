// npm as a child of the scripts and tests, on this same Node.
import { execFile } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './process.ts';

export interface NpmOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMillis?: number;
}

export interface NpmEnded {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `npm args` to its end, whatever that is. A time-out gives code 124. */
export async function npm(
  args: readonly string[],
  { cwd, env, timeoutMillis = 120_000 }: NpmOptions,
): Promise<NpmEnded> {
  const options = { cwd, env: { ...process.env, ...env }, timeout: timeoutMillis, maxBuffer: 64 * 1024 * 1024 };
  try {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [join(npmFolder(), 'bin', 'npm-cli.js'), ...args],
      options,
    );
    return { code: 0, stdout, stderr };
  } catch (thrown) {
    if (!(thrown instanceof Error) || !('stdout' in thrown) || !('stderr' in thrown)) throw thrown;
    const code = 'killed' in thrown && thrown.killed === true ? 124 : 'code' in thrown ? Number(thrown.code) : 1;
    return { code, stdout: String(thrown.stdout), stderr: String(thrown.stderr) };
  }
}

/**
 * The folder of the pinned npm (tools/node), whole in itself, which a system's own need not be: Debian's is 9.2, without `npm sbom`, and its
 * packages stand elsewhere. Where no Node is pinned, of the npm that started us, or else of the first on the path.
 */
export function npmFolder(): string {
  const pinned = join(root, 'tools', 'node', 'node_modules', 'npm');
  if (existsSync(pinned)) return pinned;
  const { npm_execpath: started, PATH: path = '' } = process.env;
  const found = path
    .split(delimiter)
    .map((folder) => join(folder, 'npm'))
    .find((file) => existsSync(file));
  const program = started?.endsWith('npm-cli.js') === true && existsSync(started) ? started : found;
  if (program === undefined) throw new Error('npm is not on the path');
  return dirname(dirname(realpathSync(program)));
}
