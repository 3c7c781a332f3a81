// What this process is for a command: its arguments, terminal, signals and environment. main.ts loads it where the Node is new enough.
import type { CommandContext } from './cli/command.ts';
import { runCommandLine } from './cli/command-line.ts';
import { hostNames } from './cli/host-names.ts';
import { openableScreen } from './cli/screen.ts';
import { readSecret } from './cli/terminal.ts';
import { systemClock } from './core/clock.ts';
import { systemRandom } from './core/random.ts';
import { openChannel } from './supervisor/channel.ts';
import { version } from './version.ts';

/** `roleVariable` and `processVariable` of supervisor/launch-child.ts, which only a supervisor needs. */
const roleVariable = 'PORTCULLIS_CHILD';
const processVariable = 'PORTCULLIS_PROCESS';

/** Runs the command that the process was started with, and ends the process with its code. */
export async function runProcess(): Promise<void> {
  const code = await runCommandLine(process.argv.slice(2), processContext());
  // What was written to a pipe may still be on its way.
  process.stdout.write('', () => process.exit(code));
}

function processContext(): CommandContext {
  // A reader that has seen enough (`portcullis calls | head`) is no error.
  process.stdout.on('error', () => {});
  const error = (text: string): void => void process.stderr.write(text);
  const { [roleVariable]: role, [processVariable]: number, ...environment } = process.env;
  // What is started from here is no process of the supervisor.
  delete process.env[roleVariable];
  delete process.env[processVariable];
  const channel = openChannel(role, number);
  return {
    version,
    terminal: {
      out: (text) => void process.stdout.write(text),
      error,
      askSecret: (question) => readSecret(question, process.stdin, error),
      screen: () => openableScreen(process.stdin, process.stdout),
    },
    environment,
    workingDirectory: process.cwd(),
    clock: systemClock,
    pause: (time) => new Promise((resolve) => setTimeout(resolve, time)),
    random: systemRandom,
    signals: {
      on: (signal, handle) => {
        process.on(signal, handle);
        return () => void process.off(signal, handle);
      },
    },
    host: hostNames(),
    // Only what serves calls loads the rooms that serve them.
    startSbc: async (options) => (await import('./compose.ts')).startSbc({ ...options, channel }),
    standBy: async (options) => (await import('./compose.ts')).standBy({ ...options, channel }),
    supervise: channel === undefined ? (processes) => superviseThis(environment, processes) : undefined,
    routeTest: async (options) => (await import('./compose.ts')).testRoute(options, process.env),
    replayFraud: async (options, lines) => (await import('./compose.ts')).replayFraud(options, lines),
  };
}

async function superviseThis(environment: NodeJS.ProcessEnv, processes: number): Promise<number> {
  const { supervise } = await import('./supervisor/supervise.ts');
  const [, program = '', ...args] = process.argv;
  return supervise({ program, args, environment }, processes, (line) => void process.stdout.write(line));
}
