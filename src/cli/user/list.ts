// portcullis user list
import type { Clock } from '../../core/clock.ts';
import { passwordStanding } from '../../policy/password-policy.ts';
import type { OwnLimits, StoredUser } from '../../store/user-store.ts';
import { parseArguments } from '../arguments.ts';
import { type Command, exitCodes } from '../command.ts';
import type { LoadedConfig } from '../config-file.ts';
import { formatDuration, printJson } from '../output.ts';
import { formatTable } from '../table.ts';
import { userOptions, withUsers } from './user-access.ts';

/** What may be wrong with a user, though nothing is wrong with its row. */
type UserState = 'active' | 'expiring' | 'password-expired' | 'locked' | 'no-domain' | 'realm-changed';

export const userList: Command = {
  name: 'user list',
  parameters: '[options]',
  summary: 'Lists the users of the database and those of the configuration',
  about: [
    'A user whose domain has another realm now than when the password was set needs a new password ("realm-changed"), and so does',
    'one whose password is over ("password-expired") or soon will be ("expiring").',
  ],
  options: userOptions,
  examples: ['user list', 'user list --json'],
  async run(args, context) {
    const { values } = parseArguments(args, userOptions);
    return withUsers(values.config, context, async (users, loaded) => {
      const all = [...configured(loaded), ...(await users.list()).map((user) => listed(user, loaded, context.clock))];
      if (values.json) {
        printJson({ users: all }, context);
        return exitCodes.ok;
      }
      const rows = all.map(({ user, source, state, group = '-', limits, changed = '-' }) => {
        return [user, source, state, group, limitsText(limits), changed];
      });
      context.terminal.out(formatTable(['USER', 'SOURCE', 'STATE', 'GROUP', 'LIMITS', 'CHANGED'], rows));
      return exitCodes.ok;
    });
  },
};

interface ListedUser {
  readonly user: string;
  readonly source: 'configuration' | 'database';
  readonly state: UserState;
  readonly group?: string | undefined;
  /** Durations in milliseconds. */
  readonly limits: OwnLimits;
  /** ISO 8601. */
  readonly created?: string;
  readonly changed?: string;
  readonly passwordChanged?: string;
}

function configured({ config }: LoadedConfig): readonly ListedUser[] {
  return config.user.map((user) => {
    const { concurrent_calls, max_call_duration, ring_timeout, early_media_timeout, direction } = user;
    return {
      user: `${user.name}@${user.domain ?? config.domain[0]?.name ?? ''}`,
      source: 'configuration',
      state: 'active',
      group: user.group,
      limits: { concurrent_calls, max_call_duration, ring_timeout, early_media_timeout, direction },
    };
  });
}

function listed(user: StoredUser, loaded: LoadedConfig, clock: Clock): ListedUser {
  return {
    user: `${user.name}@${user.domain}`,
    source: 'database',
    state: stateOf(user, loaded, clock),
    group: user.group,
    limits: user.limits,
    created: new Date(user.createdAt).toISOString(),
    changed: new Date(user.changedAt).toISOString(),
    passwordChanged: new Date(user.password.changedAt).toISOString(),
  };
}

function stateOf(
  { domain: name, realm, locked, password }: StoredUser,
  { config }: LoadedConfig,
  clock: Clock,
): UserState {
  const domain = config.domain.find((one) => one.name === name);
  if (domain === undefined) return 'no-domain';
  if (locked) return 'locked';
  if ((domain.realm ?? domain.name) !== realm) return 'realm-changed';
  const { max_age: maxAge, warn_before: warnBefore } = config.passwords;
  const { kind } = passwordStanding(password, clock.wall(), { maxAge, warnBefore });
  if (kind === 'expired') return 'password-expired';
  return kind === 'expiring' ? 'expiring' : 'active';
}

function limitsText(limits: OwnLimits): string {
  const parts = Object.entries(limits).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const isDuration = typeof value === 'number' && name !== 'concurrent_calls';
    return [`${name}=${isDuration ? formatDuration(value) : value}`];
  });
  return parts.length === 0 ? '-' : parts.join(' ');
}
