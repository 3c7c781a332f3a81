// portcullis user lock NAME, user unlock NAME
import { parseArguments } from '../arguments.ts';
import { type Command, exitCodes } from '../command.ts';
import { printJson } from '../output.ts';
import { tellRunning } from './tell-running.ts';
import { noSuchUser, parseUserAddress, userOptions, withUsers } from './user-access.ts';

export const userLock = lockCommand({
  verb: 'lock',
  done: 'locked',
  locked: true,
  summary: 'Makes a user of the database nobody until it is unlocked',
});

export const userUnlock = lockCommand({
  verb: 'unlock',
  done: 'unlocked',
  locked: false,
  summary: 'Takes a lock back',
});

function lockCommand({
  verb,
  done,
  locked,
  summary,
}: {
  readonly verb: string;
  readonly done: string;
  readonly locked: boolean;
  readonly summary: string;
}): Command {
  return {
    name: `user ${verb}`,
    parameters: 'NAME[@DOMAIN] [options]',
    summary,
    about: [
      'A locked user can neither register nor call nor be called, and what it has registered and subscribed to ends at once.',
      'Calls that run go on.',
    ],
    options: userOptions,
    examples: [`user ${verb} alice`, `user ${verb} carol@pbx.example.com`],
    async run(args, context) {
      const { values, positionals } = parseArguments(args, userOptions, ['NAME']);
      return withUsers(values.config, context, async (users, loaded, audit) => {
        const address = parseUserAddress(positionals[0] ?? '', loaded);
        if (!(await users.setLocked(address.name, address.domain, locked))) throw noSuchUser(address);
        audit(`user ${verb}`, address.aor);
        if (values.json) printJson({ [done]: address.aor }, context);
        else context.terminal.out(`${done} ${address.aor}\n`);
        return locked ? tellRunning(address.aor, loaded, context) : exitCodes.ok;
      });
    },
  };
}
