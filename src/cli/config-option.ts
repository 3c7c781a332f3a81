// How a command is told which configuration it works with. Apart from what reads one, which whoever only starts others does not load.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CommandContext } from './command.ts';

export const defaultConfigFile = 'portcullis.toml';
/** Where the unit has it (deploy/systemd). */
export const systemConfigFile = '/etc/portcullis/portcullis.toml';

/** The file that a command works with: what it was given, the one of the current folder, or the one of the system where that alone is there. */
export function configName(
  given: string | undefined,
  { workingDirectory, systemConfig = systemConfigFile }: Pick<CommandContext, 'workingDirectory' | 'systemConfig'>,
): string {
  if (given !== undefined || existsSync(resolve(workingDirectory, defaultConfigFile)))
    return given ?? defaultConfigFile;
  return existsSync(systemConfig) ? systemConfig : defaultConfigFile;
}

export const configOption = {
  type: 'string',
  short: 'c',
  value: 'FILE',
  about: `the configuration (when not given ${defaultConfigFile} here, else ${systemConfigFile})`,
} as const;
