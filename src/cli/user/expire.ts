// portcullis user expire NAME
import { parseArguments } from '../arguments.ts';
import { type Command, exitCodes } from '../command.ts';
import { printJson } from '../output.ts';
import { noSuchUser, parseUserAddress, userOptions, withUsers } from './user-access.ts';

export const userExpire: Command = {
  name: 'user expire',
  parameters: 'NAME[@DOMAIN] [options]',
  summary: 'Ends a user’s password before its time: nothing is authenticated with it until there is a new one',
  about: ['Calls that run go on, and a phone stays registered until its registration is over.'],
  options: userOptions,
  examples: ['user expire alice', 'user passwd alice --generate'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, userOptions, ['NAME']);
    return withUsers(values.config, context, async (users, loaded, audit) => {
      const address = parseUserAddress(positionals[0] ?? '', loaded);
      if (!(await users.expirePassword(address.name, address.domain))) throw noSuchUser(address);
      audit('user expire', address.aor);
      if (values.json) printJson({ expired: address.aor }, context);
      else context.terminal.out(`expired ${address.aor}: give a new password with "user passwd ${address.aor}"\n`);
      return exitCodes.ok;
    });
  },
};
