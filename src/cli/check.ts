// portcullis check
import { resolve } from 'node:path';
import { formatConfigError, loadConfig } from '../config/load.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { configOption, defaultConfigFile } from './config-file.ts';
import { jsonOption, printJson } from './output.ts';

const options = { config: configOption, json: jsonOption } as const;

export const check: Command = {
  name: 'check',
  parameters: '[--config FILE]',
  summary: 'Reads a configuration and names every mistake in it, with file, line and column',
  options,
  examples: ['check', 'check --config /etc/portcullis/portcullis.toml', 'check --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const file = values.config ?? defaultConfigFile;
    const loaded = loadConfig(resolve(context.workingDirectory, file));
    const errors = loaded.ok ? [] : loaded.error.map((error) => ({ ...error, file }));
    if (values.json) printJson({ valid: loaded.ok, errors }, context);
    else if (loaded.ok) context.terminal.out(`${file} is valid\n`);
    else context.terminal.error(errors.map((error) => `${formatConfigError(error)}\n`).join(''));
    return loaded.ok ? exitCodes.ok : exitCodes.refused;
  },
};
