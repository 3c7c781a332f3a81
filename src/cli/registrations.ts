// portcullis registrations
import { answered } from '../admin/admin-client-exchange.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { formatElapsed, jsonOption, printJson } from './output.ts';
import { formatTable } from './table.ts';

const options = { ...adminOptions, json: jsonOption } as const;

export const registrations: Command = {
  name: 'registrations',
  parameters: '[options]',
  summary: 'Lists the phones that are registered',
  about: ['A phone whose connection is lost stays listed until its registration expires, and is not reachable.'],
  options,
  examples: ['registrations', 'registrations --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const bindings = answered(await adminClient(values, context).registrations());
    if (values.json) {
      printJson({ registrations: bindings }, context);
      return exitCodes.ok;
    }
    const now = context.clock.wall();
    const rows = bindings.map(({ aor, contact, listener, expiresAt, alive, userAgent = '-' }) => {
      return [aor, contact, listener, alive ? 'yes' : 'no', formatElapsed(expiresAt - now), userAgent];
    });
    context.terminal.out(formatTable(['USER', 'CONTACT', 'LISTENER', 'REACHABLE', 'EXPIRES IN', 'USER AGENT'], rows));
    return exitCodes.ok;
  },
};
