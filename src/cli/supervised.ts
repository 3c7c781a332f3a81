// Whether a call that serves does so by itself, or in processes that are kept running.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { type CommandContext, UsageError } from './command.ts';
import { defaultConfigFile } from './config-file.ts';

export const aloneOption = {
  type: 'boolean',
  about:
    'serve in this very process: no restart after a crash, no upgrade (for containers, whose runtime restarts them)',
} as const;

/** `here` serves in this process. Throws UsageError where that is asked for of a configuration with several. */
export function supervised(
  values: { readonly config?: string | undefined; readonly 'no-supervisor'?: boolean | undefined },
  context: CommandContext,
  here: () => Promise<number>,
): Promise<number> {
  const { supervise } = context;
  const isAlone = values['no-supervisor'] === true;
  if (!isAlone && supervise === undefined) return here();
  const processes = processesOf(values.config, context);
  if (!isAlone && supervise !== undefined) return supervise(processes);
  if (processes > 1) throw new UsageError(`--no-supervisor is for one process: sbc.processes is ${processes}`);
  return here();
}

/** One, too, where there is no configuration, or none that can be read: whoever serves says so. */
function processesOf(given: string | undefined, { workingDirectory }: CommandContext): number {
  const file = resolve(workingDirectory, given ?? defaultConfigFile);
  const loaded = existsSync(file) ? loadConfig(file) : undefined;
  return loaded?.ok === true ? loaded.value.sbc.processes : 1;
}
