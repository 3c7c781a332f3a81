// portcullis user passwd NAME
import { parseArguments } from '../arguments.ts';
import { type Command, exitCodes } from '../command.ts';
import { printJson } from '../output.ts';
import { newPassword, passwordOptions } from './new-password.ts';
import { noSuchUser, parseUserAddress, userOptions, withUsers } from './user-access.ts';

const options = { ...userOptions, ...passwordOptions } as const;

export const userPasswd: Command = {
  name: 'user passwd',
  parameters: 'NAME[@DOMAIN] [options]',
  summary: 'Gives a user of the database a new password',
  about: ['The old one is of no use from now on; calls that run go on.'],
  options,
  examples: ['user passwd alice', 'user passwd alice --generate', 'user passwd alice --password-env ALICE_PASSWORD'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, options, ['NAME']);
    return withUsers(values.config, context, async (users, loaded) => {
      const address = parseUserAddress(positionals[0] ?? '', loaded);
      const { name, domain, realm, aor } = address;
      const isKnown = (await users.list()).some((user) => user.name === name && user.domain === domain);
      if (!isKnown) throw noSuchUser(address);
      const { password, isGenerated } = await newPassword(values, name, context);
      if (!(await users.setPassword(name, domain, realm, password))) throw noSuchUser(address);
      if (values.json) printJson({ changed: aor, ...(isGenerated ? { password } : {}) }, context);
      else context.terminal.out(`changed ${aor}\n${isGenerated ? `password: ${password}\n` : ''}`);
      return exitCodes.ok;
    });
  },
};
