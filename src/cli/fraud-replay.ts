// portcullis fraud replay --cdr FILE
import { resolve } from 'node:path';
import { parseArguments } from './arguments.ts';
import { recordLines } from './call-records.ts';
import { type Command, exitCodes, UsageError } from './command.ts';
import { loadConfigFile } from './config-file.ts';
import { configOption } from './config-option.ts';
import { jsonOption, printJson } from './output.ts';
import { formatTable } from './table.ts';

const options = {
  config: configOption,
  cdr: { type: 'string', value: 'FILE', about: 'call records, one JSON object a line' },
  json: jsonOption,
} as const;

export const fraudReplay: Command = {
  name: 'fraud replay',
  parameters: '--cdr FILE [options]',
  summary: 'Says what the rules of fraud detection would have found in past call records',
  about: [
    'The rules are those of the configuration, whatever its mode. Nothing is done and nobody is told. Registrations are not in call',
    'records: rules about these find nothing. Exit code 1 where a rule would have acted.',
  ],
  options,
  examples: ['fraud replay --cdr var/cdr/cdr.ndjson', 'fraud replay --cdr var/cdr/cdr.ndjson --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    if (values.cdr === undefined) throw new UsageError('fraud replay needs --cdr');
    const { config, file } = loadConfigFile(values.config, context);
    const lines = recordLines(resolve(context.workingDirectory, values.cdr));
    const { records, skipped, findings } = await context.replayFraud({ config, configFile: file }, lines);
    if (values.json) printJson({ records, skipped, findings }, context);
    else {
      const rows = findings.map(({ at, level, rule, subject, detail }) => [
        new Date(at).toISOString(),
        level,
        rule,
        subject,
        detail,
      ]);
      if (rows.length > 0) context.terminal.out(formatTable(['TIME', 'LEVEL', 'RULE', 'WHO', 'DETAIL'], rows));
      const torn = skipped === 0 ? '' : `, ${skipped} lines are none`;
      context.terminal.out(`${records} records, ${findings.length} findings${torn}\n`);
    }
    return findings.some(({ level }) => level === 'act') ? exitCodes.refused : exitCodes.ok;
  },
};
