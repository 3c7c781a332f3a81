// portcullis calls end ID
import { answered } from '../admin/admin-client-exchange.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { jsonOption, printJson } from './output.ts';

const options = { ...adminOptions, json: jsonOption } as const;

export const callsEnd: Command = {
  name: 'calls end',
  parameters: 'ID [options]',
  summary: 'Ends one call, on both sides',
  options,
  examples: ['calls end 3f2a8c51d0e94b77'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, options, ['ID']);
    const [id = ''] = positionals;
    const ended = answered(await adminClient(values, context).endCall(id));
    if (values.json) printJson({ ended }, context);
    else context.terminal.out(`ended ${ended}\n`);
    return exitCodes.ok;
  },
};
