// portcullis reload
import type { AdminClient } from '../admin/admin-client.ts';
import { answered } from '../admin/admin-client-exchange.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { jsonOption, printJson } from './output.ts';
import { upgradeAll } from './upgrade.ts';

const options = {
  ...adminOptions,
  'or-upgrade': {
    type: 'boolean',
    about: 'where another version is installed than the one that serves, have it take over instead, as "upgrade" does',
  },
  json: jsonOption,
} as const;

export const reload: Command = {
  name: 'reload',
  parameters: '[options]',
  summary: 'Applies the configuration file as it is now, whole or not at all',
  about: ['Calls that run keep the limits that they were admitted with. SIGHUP does the same.'],
  options,
  examples: ['reload', 'check && portcullis reload', 'reload --or-upgrade'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const client = adminClient(values, context);
    if (values['or-upgrade'] === true && (await servesAnother(client, context.version)))
      return upgradeAll(client, values.json === true, context);
    const answer = await client.reload();
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

/** A process of another version than this one. Of one that does not answer the reload will say so. */
async function servesAnother({ processes }: AdminClient, version: string): Promise<boolean> {
  for (const one of processes) {
    const status = await one.status();
    if (status.ok && status.value.version !== version) return true;
  }
  return false;
}
