// portcullis check
import { resolve } from 'node:path';
import { formatConfigError, loadConfig } from '../config/load.ts';
import { parseArguments } from './arguments.ts';
import { authorityMistakes, missingHere } from './check-here.ts';
import { type Command, exitCodes } from './command.ts';
import { configName, configOption } from './config-option.ts';
import { jsonOption, printJson } from './output.ts';

const options = { config: configOption, json: jsonOption } as const;

export const check: Command = {
  name: 'check',
  parameters: '[--config FILE]',
  summary: 'Reads a configuration and names every mistake in it, with file, line and column',
  about: [
    'Warnings name files and environment variables that it asks for and that are not here. They leave the exit code 0, since the',
    'service may run as another user or elsewhere.',
  ],
  options,
  examples: ['check', 'check --config /etc/portcullis/portcullis.toml', 'check --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const file = configName(values.config, context);
    const path = resolve(context.workingDirectory, file);
    const loaded = loadConfig(path);
    const errors = loaded.ok
      ? authorityMistakes({ config: loaded.value, file: path }, file)
      : loaded.error.map((error) => ({ ...error, file }));
    const warnings = loaded.ok ? missingHere({ config: loaded.value, file: path }, file, context) : [];
    const isValid = errors.length === 0;
    if (values.json) {
      printJson({ valid: isValid, errors, warnings }, context);
      return isValid ? exitCodes.ok : exitCodes.refused;
    }
    for (const error of errors) context.terminal.error(`${formatConfigError(error)}\n`);
    for (const { message, ...place } of warnings) {
      context.terminal.error(`${formatConfigError({ ...place, message: `warning: ${message}` })}\n`);
    }
    if (isValid) context.terminal.out(`${file} is valid\n`);
    return isValid ? exitCodes.ok : exitCodes.refused;
  },
};
