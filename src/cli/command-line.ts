// From the arguments of the process to a command and its exit code: the only place that turns errors into lines for people.
import { messageOf, SbcError } from '../core/errors.ts';
import { type Command, type CommandContext, type ExitCode, exitCodes, UsageError } from './command.ts';
import { commandHelp, generalHelp } from './help.ts';
import { plainTerminal } from './printable.ts';
import { servingCommands } from './serving-commands.ts';

/** Never rejects. */
export async function runCommandLine(argv: readonly string[], given: CommandContext): Promise<number> {
  const terminal = plainTerminal(given.terminal);
  const context = { ...given, terminal };
  const { version } = context;
  const [first] = argv;
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
    return help(argv.slice(1), context);
  }
  if (first === '--version' || first === '-v') {
    terminal.out(`${version}\n`);
    return exitCodes.ok;
  }
  // What serves is not to wait for what only operators ask for.
  const found = findCommand(argv, servingCommands) ?? findCommand(argv, await allCommands());
  if (found === undefined) return unknown(argv, context);
  const { command, args } = found;
  if (asksForHelp(args)) {
    terminal.out(commandHelp(command));
    return exitCodes.ok;
  }
  try {
    return await command.run(args, context);
  } catch (thrown) {
    return report(thrown, command, context);
  }
}

async function allCommands(): Promise<readonly Command[]> {
  const { commands } = await import('./commands.ts');
  return commands;
}

async function help(words: readonly string[], context: CommandContext): Promise<ExitCode> {
  const named = words.filter((word) => !word.startsWith('-'));
  const commands = await allCommands();
  if (named.length === 0) {
    context.terminal.out(generalHelp(commands));
    return exitCodes.ok;
  }
  const found = findCommand(named, commands);
  if (found === undefined || found.args.length > 0) return unknown(named, context);
  context.terminal.out(commandHelp(found.command));
  return exitCodes.ok;
}

/** The command whose name is the longest that the arguments begin with: `user add` before `user`. */
function findCommand(
  argv: readonly string[],
  commands: readonly Command[],
): { readonly command: Command; readonly args: readonly string[] } | undefined {
  for (const length of [3, 2, 1]) {
    const name = argv.slice(0, length).join(' ');
    const command = argv.length >= length ? commands.find((one) => one.name === name) : undefined;
    if (command !== undefined) return { command, args: argv.slice(length) };
  }
  return undefined;
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const own = end < 0 ? args : args.slice(0, end);
  return own.includes('--help') || own.includes('-h');
}

async function unknown(argv: readonly string[], { terminal }: CommandContext): Promise<ExitCode> {
  const [first = '', second] = argv;
  const group = (await allCommands()).filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  if (group.length > 0) {
    const got = second === undefined ? '' : `, got "${first} ${second}"`;
    terminal.error(`portcullis: expected one of: ${group.join(', ')}${got}\n`);
  } else {
    terminal.error(`portcullis: there is no command "${first}"; "portcullis help" lists them\n`);
  }
  return exitCodes.usage;
}

function report(thrown: unknown, command: Command, { terminal }: CommandContext): ExitCode {
  if (thrown instanceof UsageError) {
    terminal.error(`portcullis: ${thrown.message}\nSee "portcullis ${command.name} --help".\n`);
    return exitCodes.usage;
  }
  if (thrown instanceof SbcError) {
    terminal.error(thrown.code === 'config-invalid' ? `${thrown.message}\n` : `portcullis: ${thrown.message}\n`);
    terminal.error(adviceOn(thrown));
    return thrown.code === 'not-running' ? exitCodes.notRunning : exitCodes.refused;
  }
  // Nobody foresaw it: where it came from is all that helps.
  terminal.error(`portcullis: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown)}\n`);
  return exitCodes.refused;
}

/** What a person can do about it, where that is not plain; a line, or nothing. */
function adviceOn({ code, context, cause }: SbcError): string {
  const reason = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const listener = `[[listener]] "${context['listener']}"`;
  if (code !== 'listen-failed' || context['listener'] === undefined) return '';
  switch (reason) {
    case 'EADDRINUSE':
      return `Another program has this port, or portcullis runs already. End it, or give ${listener} another address.\n`;
    case 'EADDRNOTAVAIL':
      return `This machine does not have that address. Give ${listener} one of its own.\n`;
    case 'EACCES':
      return `This user may not open that port. Give ${listener} one above 1023.\n`;
    default:
      return '';
  }
}
