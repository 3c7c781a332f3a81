// portcullis trunks
import { answered } from '../admin/admin-client-exchange.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { jsonOption, printJson } from './output.ts';
import { formatTable } from './table.ts';

const options = { ...adminOptions, json: jsonOption } as const;

export const trunks: Command = {
  name: 'trunks',
  parameters: '[options]',
  summary: 'Lists the trunks: whether they answer, whether we are registered, and their calls',
  about: [
    'A trunk that is not pinged, or that we do not register with, shows "-". Of several processes all must hear it for it to be up.',
  ],
  options,
  examples: ['trunks', 'trunks --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const listed = answered(await adminClient(values, context).trunks());
    if (values.json) {
      printJson({ trunks: listed }, context);
      return exitCodes.ok;
    }
    const rows = listed.map(({ name, up, registered, calls }) => [name, said(up), said(registered), String(calls)]);
    context.terminal.out(formatTable(['TRUNK', 'UP', 'REGISTERED', 'CALLS'], rows));
    return exitCodes.ok;
  },
};

function said(answer: boolean | undefined): string {
  return answer === undefined ? '-' : answer ? 'yes' : 'no';
}
