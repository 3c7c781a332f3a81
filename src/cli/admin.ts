// portcullis admin add NAME, admin list, admin remove NAME, admin unlock NAME, admin test NAME
import { SbcError } from '../core/errors.ts';
import { newTotpSecret, otpauthUri } from '../policy/totp.ts';
import { openState } from '../store/sqlite/state.ts';
import { parseArguments } from './arguments.ts';
import { actorOf, type Command, type CommandContext, exitCodes, UsageError } from './command.ts';
import { loadConfigFile, stateDirectory } from './config-file.ts';
import { configOption } from './config-option.ts';
import { jsonOption, printJson } from './output.ts';
import { formatTable } from './table.ts';
import { newPassword, passwordOptions } from './user/new-password.ts';

const options = { config: configOption, json: jsonOption } as const;
const addOptions = {
  ...options,
  ...passwordOptions,
  role: { type: 'string', value: 'ROLE', about: 'admin (when not given), or viewer, who changes nothing' },
} as const;

export const adminAdd: Command = {
  name: 'admin add',
  parameters: 'NAME [options]',
  summary:
    'Adds an administrator with a password and one-time codes, and prints their secret for an authenticator program',
  about: [
    'For signing in over the network. Whoever runs commands on this machine needs the rights of the process and no account.',
    'The secret is shown this once.',
  ],
  options: addOptions,
  examples: ['admin add carol', 'admin add carol --generate', 'admin add dave --role viewer'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, addOptions, ['NAME']);
    const name = nameOf(positionals[0]);
    const role = roleOf(values.role);
    return withState(values.config, context, async (state, minLength) => {
      const { password, isGenerated } = await newPassword(values, { userName: name, minLength }, context);
      const secret = newTotpSecret(context.random);
      if (!(await state.admins.add(name, password, secret, role))) {
        throw new SbcError('admin-exists', `there is already an administrator ${name}`, { name });
      }
      note(state, context, 'admin add', name, role);
      const uri = otpauthUri(name, secret);
      if (values.json) printJson({ added: name, role, uri, ...(isGenerated ? { password } : {}) }, context);
      else context.terminal.out(`added ${name}\n${isGenerated ? `password: ${password}\n` : ''}${uri}\n`);
      return exitCodes.ok;
    });
  },
};

export const adminList: Command = {
  name: 'admin list',
  parameters: '[options]',
  summary: 'Lists administrators, and which of them too many wrong attempts have locked',
  options,
  examples: ['admin list'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    return withState(values.config, context, async (state) => {
      const admins = state.admins.list();
      if (values.json) printJson({ admins }, context);
      else {
        const now = context.clock.wall();
        const rows = admins.map(({ name, role, createdAt, failures, lockedUntil }) => {
          const until = lockedUntil > now ? new Date(lockedUntil).toISOString() : '-';
          return [name, role, new Date(createdAt).toISOString(), String(failures), until];
        });
        context.terminal.out(formatTable(['NAME', 'ROLE', 'SINCE', 'FAILURES', 'LOCKED UNTIL'], rows));
      }
      return exitCodes.ok;
    });
  },
};

export const adminRemove = changing({
  verb: 'remove',
  done: 'removed',
  summary: 'Takes an administrator away, with its one-time codes',
  change: (state, name) => state.admins.remove(name),
});

export const adminUnlock = changing({
  verb: 'unlock',
  done: 'unlocked',
  summary: 'Lets an administrator try again that wrong attempts have locked',
  change: (state, name) => state.admins.unlock(name),
});

export const adminTest: Command = {
  name: 'admin test',
  parameters: 'NAME [options]',
  summary: 'Asks for the password and a code, and says whether they would sign the administrator in',
  about: ['It counts as an attempt, and the code is used up. Exit code 1 where they would not.'],
  options: { ...options, 'password-env': passwordOptions['password-env'] },
  examples: ['admin test carol'],
  async run(args, context) {
    const own = { ...options, 'password-env': passwordOptions['password-env'] } as const;
    const { values, positionals } = parseArguments(args, own, ['NAME']);
    const name = nameOf(positionals[0]);
    const variable = values['password-env'];
    const password =
      variable === undefined ? await context.terminal.askSecret('Password: ') : context.environment[variable];
    const code = await context.terminal.askSecret('Code: ');
    if (password === undefined || code === undefined) throw new UsageError('there is nobody to ask');
    return withState(values.config, context, async (state) => {
      const outcome = await state.admins.signIn(name, password, code);
      note(state, context, 'admin sign-in', name, outcome);
      if (values.json) printJson({ name, outcome }, context);
      else context.terminal.out(`${outcome}\n`);
      return outcome === 'signed-in' ? exitCodes.ok : exitCodes.refused;
    });
  },
};

type State = ReturnType<typeof openState>;

function changing({
  verb,
  done,
  summary,
  change,
}: {
  readonly verb: string;
  readonly done: string;
  readonly summary: string;
  readonly change: (state: State, name: string) => boolean;
}): Command {
  return {
    name: `admin ${verb}`,
    parameters: 'NAME [options]',
    summary,
    options,
    examples: [`admin ${verb} carol`],
    async run(args, context) {
      const { values, positionals } = parseArguments(args, options, ['NAME']);
      const name = nameOf(positionals[0]);
      return withState(values.config, context, async (state) => {
        if (!change(state, name)) throw new SbcError('no-such-admin', `there is no administrator ${name}`, { name });
        note(state, context, `admin ${verb}`, name);
        if (values.json) printJson({ [done]: name }, context);
        else context.terminal.out(`${done} ${name}\n`);
        return exitCodes.ok;
      });
    },
  };
}

function nameOf(text = ''): string {
  if (/^[A-Za-z0-9._-]{1,64}$/.test(text)) return text;
  throw new UsageError(`expected a name of 1 to 64 letters, digits, ". _ -", got "${text}"`);
}

function roleOf(text = 'admin'): 'admin' | 'viewer' {
  if (text === 'admin' || text === 'viewer') return text;
  throw new UsageError(`--role: expected admin or viewer, got "${text}"`);
}

function note(state: State, context: CommandContext, action: string, subject: string, detail?: string): void {
  state.audit.append({ actor: actorOf(context), action, subject, detail });
}

async function withState<T>(
  config: string | undefined,
  context: CommandContext,
  work: (state: State, minLength: number) => Promise<T>,
): Promise<T> {
  const loaded = loadConfigFile(config, context);
  const { clock, random } = context;
  const state = openState(stateDirectory(loaded), { clock, random });
  try {
    return await work(state, loaded.config.passwords.min_length);
  } finally {
    state.close();
  }
}
