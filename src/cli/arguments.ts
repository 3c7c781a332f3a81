// Reads the arguments of a command against what it says it takes.
import { parseArgs } from 'node:util';
import { type OptionSpecs, UsageError } from './command.ts';

export type OptionValues<T extends OptionSpecs> = {
  readonly [K in keyof T]: (T[K]['type'] extends 'boolean' ? boolean : string) | undefined;
};

export interface Arguments<T extends OptionSpecs> {
  readonly values: OptionValues<T>;
  readonly positionals: readonly string[];
}

/** Throws UsageError. `positionals` names what must be given without an option, in order. */
export function parseArguments<const T extends OptionSpecs>(
  args: readonly string[],
  options: T,
  positionals: readonly string[] = [],
): Arguments<T> {
  const given = parsed(args, options);
  const missing = positionals[given.positionals.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing`);
  const [extra] = given.positionals.slice(positionals.length);
  if (extra !== undefined) throw new UsageError(`unexpected argument "${extra}"`);
  return given;
}

function parsed<const T extends OptionSpecs>(args: readonly string[], options: T): Arguments<T> {
  try {
    const config = { args: [...args], options: withoutAbout(options), allowPositionals: true, strict: true } as const;
    const { values, positionals } = parseArgs(config);
    // parseArgs types values by the literal it was given; ours were copied one by one.
    return { values: values as OptionValues<T>, positionals };
  } catch (thrown) {
    if (thrown instanceof TypeError && 'code' in thrown) throw new UsageError(firstSentence(thrown.message));
    throw thrown;
  }
}

function withoutAbout(options: OptionSpecs): Record<string, { type: 'string' | 'boolean'; short?: string }> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { type, short }]) => [name, short === undefined ? { type } : { type, short }]),
  );
}

/** What follows is advice on "--", which is no help here. */
function firstSentence(message: string): string {
  const end = message.search(/\. (To specify|Did you forget)/);
  return end < 0 ? message : message.slice(0, end);
}
