// Which configuration a command works with, and the files that it names.
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AdminClient } from '../admin/admin-client.ts';
import { ProcessesClient } from '../admin/processes-client.ts';
import { formatConfigError, loadConfig } from '../config/load.ts';
import { processNumbers, processSocket, processStateDirectory } from '../config/process-config.ts';
import type { Config } from '../config/schema.ts';
import { SbcError } from '../core/errors.ts';
import type { CommandContext } from './command.ts';
import { configName, defaultConfigFile, systemConfigFile } from './config-option.ts';

export interface LoadedConfig {
  readonly config: Config;
  /** Absolute. */
  readonly file: string;
}

/** Throws SbcError `config-missing`, or `config-invalid` with every mistake, a line each. */
export function loadConfigFile(given: string | undefined, context: CommandContext): LoadedConfig {
  const name = configName(given, context);
  const file = resolve(context.workingDirectory, name);
  if (given === undefined && !existsSync(file)) {
    const { workingDirectory, systemConfig = systemConfigFile } = context;
    const message = `there is no ${defaultConfigFile} in ${workingDirectory}, and no ${systemConfig} that may be read; name one with --config FILE`;
    throw new SbcError('config-missing', message, { file });
  }
  const loaded = loadConfig(file);
  if (loaded.ok) return { config: loaded.value, file };
  const lines = loaded.error.map((error) => formatConfigError({ ...error, file: name }));
  throw new SbcError('config-invalid', lines.join('\n'), { file });
}

/** Paths in a configuration are relative to the folder that it is in. */
export function stateDirectory({ config, file }: LoadedConfig): string {
  return resolve(dirname(file), config.sbc.state_dir);
}

/** Where a process keeps what is its own, one for each of several; else the directory that is there for all. */
export function stateDirectories({ config, file }: LoadedConfig): readonly string[] {
  return processNumbers(config).map((process) => resolve(dirname(file), processStateDirectory(config, process)));
}

/** All processes of the SBC that a configuration describes. Where what it lists is without some of them, it says so, or does what it was given. */
export function adminClientOf(
  { config, file }: LoadedConfig,
  { terminal }: Pick<CommandContext, 'terminal'>,
  onMissing = (missing: number, processes: number): void => {
    terminal.error(`portcullis: ${missing} of ${processes} processes do not answer\n`);
  },
): AdminClient {
  const folder = dirname(file);
  const [, ...others] = processNumbers(config).map((process) => resolve(folder, processSocket(config, process)));
  const first = resolve(folder, config.admin.socket);
  if (others.length === 0) return new AdminClient(first);
  return new ProcessesClient([first, ...others], onMissing);
}
