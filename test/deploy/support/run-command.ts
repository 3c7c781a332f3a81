// A command that runs to its end and must end as expected.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** Exit code; default 0. */
  readonly expects?: number;
}

/** Resolves with what it printed, on both streams; rejects with that when it ends with another code. */
export async function runCommand(
  command: string,
  args: readonly string[],
  { cwd, env, input, expects = 0 }: CommandOptions = {},
): Promise<string> {
  const child = spawn(command, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input ?? '');
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  const ended: readonly unknown[] = await once(child, 'close');
  const [code] = ended;
  if (code !== expects) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}: ${said.trim()}`);
  return said;
}
