// The process: its arguments become a command, a command becomes an exit code. Nothing that an old Node could not parse or find
// may be imported before the version was looked at, so everything else comes by dynamic import.
import type { CommandContext } from './cli/command.ts';

/** `roleVariable` and `processVariable` of supervisor/launch-child.ts, which only a supervisor needs. */
const roleVariable = 'PORTCULLIS_CHILD';
const processVariable = 'PORTCULLIS_PROCESS';

const [major = 0] = process.versions.node.split('.').map(Number);

if (major < 24) {
  process.stderr.write(`portcullis: Node.js 24 or newer is needed, this is ${process.version}\n`);
  process.exit(2);
} else {
  const { runCommandLine } = await import('./cli/command-line.ts');
  const code = await runCommandLine(process.argv.slice(2), await processContext());
  // What was written to a pipe may still be on its way.
  process.stdout.write('', () => process.exit(code));
}

async function processContext(): Promise<CommandContext> {
  const [
    { systemClock },
    { systemRandom },
    { readSecret },
    { openableScreen },
    { hostNames },
    { version },
    { openChannel },
  ] = await Promise.all([
    import('./core/clock.ts'),
    import('./core/random.ts'),
    import('./cli/terminal.ts'),
    import('./cli/screen.ts'),
    import('./cli/host-names.ts'),
    import('./version.ts'),
    import('./supervisor/channel.ts'),
  ]);
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
