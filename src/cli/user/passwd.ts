// portcullis user passwd NAME
import { SbcError } from '../../core/errors.ts';
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
  about: [
    'The old one is of no use from now on; calls that run go on. One of the last passwords is refused ([passwords] history).',
  ],
  options,
  examples: ['user passwd alice', 'user passwd alice --generate', 'user passwd alice --password-env ALICE_PASSWORD'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, options, ['NAME']);
    return withUsers(values.config, context, async (users, loaded, audit) => {
      const address = parseUserAddress(positionals[0] ?? '', loaded);
      const { name, domain, realm, aor } = address;
      const isKnown = (await users.list()).some((user) => user.name === name && user.domain === domain);
      if (!isKnown) throw noSuchUser(address);
      const { min_length: minLength, history } = loaded.config.passwords;
      const { password, isGenerated } = await newPassword(values, { userName: name, minLength }, context);
      const outcome = await users.setPassword({ name, domain, realm, password, history });
      if (outcome === 'no-such-user') throw noSuchUser(address);
      if (outcome === 'reused') {
        const message = `the password is the present one of ${aor}, or one of the ${history} before it; nothing was changed`;
        throw new SbcError('password-reused', message, { aor });
      }
      audit('user passwd', aor);
      if (values.json) printJson({ changed: aor, ...(isGenerated ? { password } : {}) }, context);
      else context.terminal.out(`changed ${aor}\n${isGenerated ? `password: ${password}\n` : ''}`);
      return exitCodes.ok;
    });
  },
};
