// A short command of the machine, run to its end.
import { execFile } from 'node:child_process';

/** Runs a short command to its end and answers its output; throws with its complaint when it fails. */
export function runCommand(
  argv: readonly string[],
  options: { readonly input?: string | undefined; readonly timeoutMs?: number | undefined } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      argv[0] ?? 'false',
      argv.slice(1),
      { timeout: options.timeoutMs ?? 20_000, killSignal: 'SIGKILL', maxBuffer: 256 * 1024 * 1024 },
      (failure, stdout, stderr) => {
        if (failure === null) resolve(stdout);
        else reject(new Error(`${argv.join(' ')}: ${stderr.trim() || failure.message}`, { cause: failure }));
      },
    );
    child.stdin?.on('error', () => {}); // a command that does not read its input reports its own failure
    child.stdin?.end(options.input ?? '');
  });
}
