// portcullis calls show ID
import { answered } from '../admin/admin-client-exchange.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { mediaRow, mediaTitles } from './media-table.ts';
import { formatElapsed, jsonOption, printJson } from './output.ts';
import { formatTable } from './table.ts';

const options = { ...adminOptions, json: jsonOption } as const;

export const callsShow: Command = {
  name: 'calls show',
  parameters: 'ID [options]',
  summary: 'Shows one call, and how its media is until now',
  options,
  examples: ['calls show 3f2a8c51d0e94b77', 'calls show 3f2a8c51d0e94b77 --json'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, options, ['ID']);
    const [id = ''] = positionals;
    const shown = answered(await adminClient(values, context).call(id));
    if (values.json) {
      printJson(shown, context);
      return exitCodes.ok;
    }
    const { call, media, halves = [] } = shown;
    const { callee = '-', answeredAt } = call;
    const duration =
      answeredAt === undefined ? '' : `, answered for ${formatElapsed(context.clock.wall() - answeredAt)}`;
    context.terminal.out(`${call.id}: ${call.state}, from ${call.caller} to ${callee}${duration}\n`);
    if (call.halfOf !== undefined) {
      context.terminal.out(`the other half of ${call.halfOf.call ?? 'a call'} of ${call.halfOf.node}\n`);
    }
    if (halves.length > 0) {
      context.terminal.out(
        `it goes over another process, where it is ${halves.join(', ')}: leg n is the media between\n`,
      );
    }
    if (media.length === 0) return exitCodes.ok;
    context.terminal.out(`\n${formatTable(mediaTitles, media.map(mediaRow))}`);
    return exitCodes.ok;
  },
};
