// portcullis reload
import { answered } from '../admin/admin-client-exchange.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { jsonOption, printJson } from './output.ts';

const options = { ...adminOptions, json: jsonOption } as const;

export const reload: Command = {
  name: 'reload',
  parameters: '[options]',
  summary: 'Applies the configuration file as it is now, whole or not at all',
  about: ['Calls that run keep the limits that they were admitted with. SIGHUP does the same.'],
  options,
  examples: ['reload', 'check && portcullis reload'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const answer = await adminClient(values, context).reload();
    if (values.json && !answer.ok && answer.error.kind === 'refused') {
      printJson({ applied: false, errors: answer.error.errors }, context);
      return exitCodes.refused;
    }
    const changed = answered(answer);
    if (values.json) printJson({ applied: true, changed }, context);
    else context.terminal.out(changed.length === 0 ? 'nothing has changed\n' : `changed: ${changed.join(', ')}\n`);
    return exitCodes.ok;
  },
};
