// Reads the arguments of a command against what it says it takes.
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type OptionSpecs, UsageError } from './command.ts';

interface Taken<T extends OptionSpecs> extends ParseArgsConfig {
  args: string[];
  options: T;
  allowPositionals: true;
  strict: true;
}

/** Values by option name, absent where an option was not given; and what was given without an option. */
export type Arguments<T extends OptionSpecs> = ReturnType<typeof parseArgs<Taken<T>>>;
export type OptionValues<T extends OptionSpecs> = Arguments<T>['values'];

/** Throws UsageError. `positionals` names what must be given without an option, in order; so many more may follow. */
export function parseArguments<const T extends OptionSpecs>(
  args: readonly string[],
  options: T,
  positionals: readonly string[] = [],
  optional = 0,
): Arguments<T> {
  const given = parsed(args, options);
  const missing = positionals[given.positionals.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing`);
  const [extra] = given.positionals.slice(positionals.length + optional);
  if (extra !== undefined) throw new UsageError(`unexpected argument "${extra}"`);
  return given;
}

function parsed<const T extends OptionSpecs>(args: readonly string[], options: T): Arguments<T> {
  try {
    return parseArgs<Taken<T>>({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (thrown) {
    if (thrown instanceof TypeError && 'code' in thrown) throw new UsageError(firstSentence(thrown.message));
    throw thrown;
  }
}

/** What follows is advice on "--", which is no help here. */
function firstSentence(message: string): string {
  const end = message.search(/\. (To specify|Did you forget)/);
  return end < 0 ? message : message.slice(0, end);
}
