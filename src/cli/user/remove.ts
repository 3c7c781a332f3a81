// portcullis user remove NAME
import { parseArguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { printJson } from '../output.ts';
import { tellRunning } from './tell-running.ts';
import { noSuchUser, parseUserAddress, userOptions, withUsers } from './user-access.ts';

export const userRemove: Command = {
  name: 'user remove',
  parameters: 'NAME[@DOMAIN] [options]',
  summary: 'Removes a user from the database',
  about: [
    'What it has registered and subscribed to ends, calls that run go on. A user of the configuration is removed there.',
  ],
  options: userOptions,
  examples: ['user remove alice', 'user remove carol@pbx.example.com'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, userOptions, ['NAME']);
    return withUsers(values.config, context, async (users, loaded, audit) => {
      const address = parseUserAddress(positionals[0] ?? '', loaded);
      if (!(await users.remove(address.name, address.domain))) throw noSuchUser(address);
      audit('user remove', address.aor);
      if (values.json) printJson({ removed: address.aor }, context);
      else context.terminal.out(`removed ${address.aor}\n`);
      return tellRunning(address.aor, loaded, context);
    });
  },
};
