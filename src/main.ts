// The process: its arguments become a command, a command becomes an exit code. Nothing that an old Node could not parse or find
// may be imported before the version was looked at, so everything else comes by dynamic import.
import type { CommandContext } from './cli/command.ts';

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
  const [{ systemClock }, { systemRandom }, { readSecret }, { openableScreen }, { hostNames }, { version }] =
    await Promise.all([
      import('./core/clock.ts'),
      import('./core/random.ts'),
      import('./cli/terminal.ts'),
      import('./cli/screen.ts'),
      import('./cli/host-names.ts'),
      import('./version.ts'),
    ]);
  // A reader that has seen enough (`portcullis calls | head`) is no error.
  process.stdout.on('error', () => {});
  const error = (text: string): void => void process.stderr.write(text);
  return {
    version,
    terminal: {
      out: (text) => void process.stdout.write(text),
      error,
      askSecret: (question) => readSecret(question, process.stdin, error),
      screen: () => openableScreen(process.stdin, process.stdout),
    },
    environment: process.env,
    workingDirectory: process.cwd(),
    clock: systemClock,
    random: systemRandom,
    signals: {
      on: (signal, handle) => {
        process.on(signal, handle);
        return () => void process.off(signal, handle);
      },
    },
    host: hostNames(),
    // Only what serves calls loads the rooms that serve them.
    startSbc: async (options) => (await import('./compose.ts')).startSbc(options),
    standBy: async (options) => (await import('./compose.ts')).standBy(options),
    routeTest: async (options) => (await import('./compose.ts')).testRoute(options, process.env),
    replayFraud: async (options, lines) => (await import('./compose.ts')).replayFraud(options, lines),
  };
}
