// portcullis calls
import { answered } from '../admin/admin-client-exchange.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { printRecords, recordOptions, wantsRecords } from './calls-past.ts';
import { type Command, exitCodes } from './command.ts';
import { type CallMedia, mediaRow, mediaTitles } from './media-table.ts';
import { formatElapsed, jsonOption, printJson } from './output.ts';
import { formatTable } from './table.ts';

const options = {
  ...adminOptions,
  media: { type: 'boolean', about: 'how the media of each side of each call is until now' },
  json: jsonOption,
  ...recordOptions,
} as const;

export const calls: Command = {
  name: 'calls',
  parameters: '[options]',
  summary: 'Lists the calls that are not over, or past ones by their records',
  about: [
    'With any of --since, --until, --user, --number, --verdict, --limit and --format it asks the call records, those that began',
    'last first, also while the SBC does not run; else the running SBC, for what is not over.',
  ],
  options,
  examples: [
    'calls',
    'calls --media',
    'calls --json',
    'calls --user alice --since 24h',
    'calls --number "+4420*" --verdict refused --since 2026-01-05 --format csv',
    'calls end 3f2a8c51d0e94b77',
  ],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    if (wantsRecords(values)) return printRecords(values, context);
    const client = adminClient(values, context);
    const active = answered(await client.calls());
    if (values.media) {
      const shown: CallMedia[] = [];
      for (const { id } of active) {
        const detail = await client.call(id);
        // It may be over by now.
        if (detail.ok) shown.push(detail.value);
      }
      if (values.json) printJson({ calls: shown }, context);
      else {
        const rows = shown.flatMap(({ call, media }) => media.map((entry) => [call.id, ...mediaRow(entry)]));
        context.terminal.out(formatTable(['ID', ...mediaTitles], rows));
      }
      return exitCodes.ok;
    }
    if (values.json) {
      printJson({ calls: active }, context);
      return exitCodes.ok;
    }
    const now = context.clock.wall();
    const rows = active.map(({ id, state, caller, callee = '-', answeredAt }) => {
      return [id, state, caller, callee, answeredAt === undefined ? '-' : formatElapsed(now - answeredAt)];
    });
    context.terminal.out(formatTable(['ID', 'STATE', 'CALLER', 'CALLEE', 'ANSWERED FOR'], rows));
    return exitCodes.ok;
  },
};
