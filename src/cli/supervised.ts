// Whether a call that serves does so by itself, or in processes that are kept running.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type CommandContext, UsageError } from './command.ts';
import { configName } from './config-option.ts';

export const aloneOption = {
  type: 'boolean',
  about:
    'serve in this very process: no restart after a crash, no upgrade (for containers, whose runtime restarts them)',
} as const;

/** `here` serves in this process. Rejects with UsageError where that is asked for of a configuration with several. */
export async function supervised(
  values: { readonly config?: string | undefined; readonly 'no-supervisor'?: boolean | undefined },
  context: CommandContext,
  here: () => Promise<number>,
): Promise<number> {
  const { supervise } = context;
  const isAlone = values['no-supervisor'] === true;
  if (!isAlone && supervise === undefined) return here();
  const processes = await processesOf(values.config, context);
  if (!isAlone && supervise !== undefined) return supervise(processes);
  if (processes > 1) throw new UsageError(`--no-supervisor is for one process: sbc.processes is ${processes}`);
  return here();
}

/** One, too, where there is no configuration, or none that can be read: whoever serves says so. */
async function processesOf(given: string | undefined, context: CommandContext): Promise<number> {
  const file = resolve(context.workingDirectory, configName(given, context));
  if (!mayNameSeveral(file)) return 1;
  const { loadConfig } = await import('../config/load.ts');
  const loaded = loadConfig(file);
  return loaded.ok ? loaded.value.sbc.processes : 1;
}

/**
 * Whether `sbc.processes` can be in that file. Most have no such word, nor a key that is written with escapes; whoever keeps one process
 * running then starts it without having read thousands of users, and holds none of what reads them.
 */
function mayNameSeveral(file: string): boolean {
  try {
    return /processes|\\[uUx]/.test(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}
