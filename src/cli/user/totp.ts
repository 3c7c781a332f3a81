// portcullis user totp enrol NAME, user totp remove NAME
import { SbcError } from '../../core/errors.ts';
import { newTotpSecret, otpauthUri } from '../../policy/totp.ts';
import { openState } from '../../store/sqlite/state.ts';
import { parseArguments } from '../arguments.ts';
import { actorOf, type Command, type CommandContext, exitCodes } from '../command.ts';
import { loadConfigFile, stateDirectory } from '../config-file.ts';
import { printJson } from '../output.ts';
import { parseUserAddress, userOptions } from './user-access.ts';

export const userTotpEnrol: Command = {
  name: 'user totp enrol',
  parameters: 'NAME[@DOMAIN] [options]',
  summary: 'Gives a user a secret for one-time codes, and prints it for an authenticator program',
  about: [
    'With a code of it the user approves a device: devices approve ID --code 123456. What it had before is of no use any more.',
    'The secret is shown this once; whoever sees it can make the codes.',
  ],
  options: userOptions,
  examples: ['user totp enrol alice'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, userOptions, ['NAME']);
    return withTotp(values.config, positionals[0], context, async (state, aor) => {
      const secret = newTotpSecret(context.random);
      state.totp.enrol(`user ${aor}`, secret);
      state.audit.append({ actor: actorOf(context), action: 'user totp enrol', subject: aor });
      const uri = otpauthUri(aor, secret);
      if (values.json) printJson({ enrolled: aor, uri }, context);
      else context.terminal.out(`${uri}\n`);
      return exitCodes.ok;
    });
  },
};

export const userTotpRemove: Command = {
  name: 'user totp remove',
  parameters: 'NAME[@DOMAIN] [options]',
  summary: 'Takes the one-time codes of a user away',
  options: userOptions,
  examples: ['user totp remove alice'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, userOptions, ['NAME']);
    return withTotp(values.config, positionals[0], context, async (state, aor) => {
      if (!state.totp.remove(`user ${aor}`)) throw new SbcError('no-totp', `${aor} has no one-time codes`, { aor });
      state.audit.append({ actor: actorOf(context), action: 'user totp remove', subject: aor });
      if (values.json) printJson({ removed: aor }, context);
      else context.terminal.out(`removed the one-time codes of ${aor}\n`);
      return exitCodes.ok;
    });
  },
};

/** A user of the configuration may have codes too. */
async function withTotp<T>(
  config: string | undefined,
  name: string | undefined,
  context: CommandContext,
  work: (state: ReturnType<typeof openState>, aor: string) => Promise<T>,
): Promise<T> {
  const loaded = loadConfigFile(config, context);
  const { aor } = parseUserAddress(name ?? '', loaded);
  const { clock, random } = context;
  const state = openState(stateDirectory(loaded), { clock, random });
  try {
    return await work(state, aor);
  } finally {
    state.close();
  }
}
