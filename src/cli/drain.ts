// portcullis drain
import { answered } from '../admin/admin-client-exchange.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { jsonOption, printJson } from './output.ts';

const options = { ...adminOptions, json: jsonOption } as const;

export const drain: Command = {
  name: 'drain',
  parameters: '[options]',
  summary: 'Takes no new calls from now on; calls that run go on',
  about: [
    'It cannot be taken back but by a restart. Calls that are left at the end of [sbc].drain_timeout are ended.',
    'To end the process in order, send it SIGTERM, which drains first.',
  ],
  options,
  examples: ['drain', 'drain --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const activeCalls = answered(await adminClient(values, context).drain());
    if (values.json) printJson({ activeCalls }, context);
    else context.terminal.out(`draining; calls that go on: ${activeCalls}\n`);
    return exitCodes.ok;
  },
};
