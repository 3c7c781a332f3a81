// portcullis alerts
import { parseDuration } from '../config/units.ts';
import { openState } from '../store/sqlite/state.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes, UsageError } from './command.ts';
import { loadConfigFile, stateDirectories } from './config-file.ts';
import { configOption } from './config-option.ts';
import { jsonOption, printJson } from './output.ts';
import { formatTable } from './table.ts';

const options = {
  config: configOption,
  json: jsonOption,
  since: { type: 'string', value: 'TIME', about: 'how far back, such as 1h or 7d (24h when not given)' },
} as const;

const mostShown = 1_000;

export const alerts: Command = {
  name: 'alerts',
  parameters: '[options]',
  summary: 'Lists what the SBC told its receivers, the newest first',
  about: ['Alerts of one kind and subject that come soon after another are one line, with how many they were.'],
  options,
  examples: ['alerts', 'alerts --since 7d', 'alerts --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const since = values.since ?? '24h';
    const back = parseDuration(since);
    if (back === undefined) throw new UsageError(`--since: expected a duration such as 1h or 7d, got "${since}"`);
    const { clock, random } = context;
    const found = stateDirectories(loadConfigFile(values.config, context))
      .flatMap((directory) => {
        const state = openState(directory, { clock, random });
        try {
          return state.alerts.list(clock.wall() - back, mostShown);
        } finally {
          state.close();
        }
      })
      .toSorted((a, b) => b.lastAt - a.lastAt)
      .slice(0, mostShown);
    if (values.json) printJson({ alerts: found }, context);
    else if (found.length === 0) context.terminal.out('no alerts\n');
    else {
      const rows = found.map(({ lastAt, severity, text, count }) => {
        return [new Date(lastAt).toISOString(), severity, String(count), text];
      });
      context.terminal.out(formatTable(['LAST', 'SEVERITY', 'TIMES', 'WHAT'], rows));
    }
    return exitCodes.ok;
  },
};
