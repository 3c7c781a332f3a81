// portcullis log-level [LEVEL]

import { answered } from '../admin/admin-client-exchange.ts';
import { parseDuration } from '../config/units.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes, UsageError } from './command.ts';
import { jsonOption, printJson } from './output.ts';

const options = {
  ...adminOptions,
  for: {
    type: 'string',
    value: 'TIME',
    about: 'how long, such as 10m (24h at most); afterwards what [log].level says',
  },
  json: jsonOption,
} as const;

export const logLevel: Command = {
  name: 'log-level',
  parameters: '[debug|info|warn|error] [options]',
  summary: 'Shows what is logged, or changes it while the SBC runs',
  about: [
    'Without --for it holds until the configuration says another level, or a restart. Goes into the audit log.',
    'debug tells more of each call, and nothing of each packet.',
  ],
  options,
  examples: ['log-level', 'log-level debug --for 10m', 'log-level info'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, options, [], 1);
    const [level] = positionals;
    const lasts = values.for === undefined ? undefined : parseDuration(values.for);
    if (values.for !== undefined && lasts === undefined) {
      throw new UsageError(`--for: expected a duration such as 10m, got "${values.for}"`);
    }
    if (level === undefined && lasts !== undefined) throw new UsageError('--for needs a level');
    const client = adminClient(values, context);
    const shown = answered(await (level === undefined ? client.logLevel() : client.setLogLevel(level, lasts)));
    if (values.json) {
      printJson(shown, context);
      return exitCodes.ok;
    }
    const until = shown.until === undefined ? '' : `, until ${new Date(shown.until).toISOString()}`;
    const configured = shown.level === shown.configured ? '' : ` (configured: ${shown.configured})`;
    context.terminal.out(`${shown.level}${configured}${until}\n`);
    return exitCodes.ok;
  },
};
