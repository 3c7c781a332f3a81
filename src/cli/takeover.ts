// portcullis takeover
import { answered } from '../admin/admin-client-exchange.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { jsonOption, printJson } from './output.ts';

const options = { ...adminOptions, json: jsonOption } as const;

export const takeover: Command = {
  name: 'takeover',
  parameters: '[options]',
  summary: 'Has a process that stands by take over its node and its calls now',
  about: [
    'Said by who decides where the address of the node is: keepalived runs it when this machine becomes the master. A process that is',
    'the node already goes on as it is.',
  ],
  options,
  examples: ['takeover', 'takeover --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const state = answered(await adminClient(values, context).takeover());
    if (values.json) printJson({ state }, context);
    else context.terminal.out(`${state}\n`);
    return exitCodes.ok;
  },
};
