// portcullis calls
import { adminClient, adminOptions, answered } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { formatElapsed, jsonOption, printJson } from './output.ts';
import { formatTable } from './table.ts';

const options = { ...adminOptions, json: jsonOption } as const;

export const calls: Command = {
  name: 'calls',
  parameters: '[options]',
  summary: 'Lists the calls that are not over',
  options,
  examples: ['calls', 'calls --json', 'calls end 3f2a8c51d0e94b77'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const active = answered(await adminClient(values, context).calls());
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
