// portcullis user add NAME
import { parseDuration } from '../../config/units.ts';
import { SbcError } from '../../core/errors.ts';
import type { OwnLimits } from '../../store/user-store.ts';
import { type OptionValues, parseArguments } from '../arguments.ts';
import { type Command, exitCodes, UsageError } from '../command.ts';
import type { LoadedConfig } from '../config-file.ts';
import { printJson } from '../output.ts';
import { newPassword, passwordOptions } from './new-password.ts';
import { isConfigured, parseUserAddress, type UserAddress, userOptions, withUsers } from './user-access.ts';

const limitOptions = {
  'concurrent-calls': { type: 'string', value: 'NUMBER', about: 'calls at the same time' },
  'max-call-duration': { type: 'string', value: 'TIME', about: 'longest call, such as 2h' },
  'ring-timeout': { type: 'string', value: 'TIME', about: 'longest ringing, such as 90s' },
  'early-media-timeout': { type: 'string', value: 'TIME', about: 'longest media before the answer' },
  direction: { type: 'string', value: 'WHICH', about: 'calls that count: both, out or in' },
} as const;

const options = {
  ...userOptions,
  ...passwordOptions,
  group: { type: 'string', short: 'g', value: 'NAME', about: 'a group of the configuration, whose limits it takes' },
  ...limitOptions,
} as const;

export const userAdd: Command = {
  name: 'user add',
  parameters: 'NAME[@DOMAIN] [options]',
  summary: 'Adds a user to the database; it may register at once, no reload is needed',
  about: [
    'The password is asked for, unless --generate or --password-env say where it comes from: at least 12 characters, with',
    'lower and upper case, a digit and a special character, not containing the name, not a common one with little added.',
    'Limits that are not given are inherited.',
  ],
  options,
  examples: [
    'user add alice',
    'user add carol@pbx.example.com --generate --group sales',
    'user add fax --password-env FAX_PASSWORD --concurrent-calls 1 --max-call-duration 30m',
  ],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, options, ['NAME']);
    const limits = limitsOf(values);
    return withUsers(values.config, context, async (users, loaded, audit) => {
      const address = parseUserAddress(positionals[0] ?? '', loaded);
      refuseConfigured(address, loaded);
      const group = knownGroup(values.group, loaded);
      const { password, isGenerated } = await newPassword(
        values,
        { userName: address.name, minLength: loaded.config.passwords.min_length },
        context,
      );
      const { name, domain, realm, aor } = address;
      const secret = { kind: 'password', password } as const;
      if (!(await users.add({ name, domain, realm, secret, group, limits }))) {
        throw new SbcError('user-exists', `there is already a user ${aor}`, { aor });
      }
      audit('user add', aor, group === undefined ? undefined : `group ${group}`);
      if (values.json) printJson({ added: aor, ...(isGenerated ? { password } : {}) }, context);
      else context.terminal.out(`added ${aor}\n${isGenerated ? `password: ${password}\n` : ''}`);
      return exitCodes.ok;
    });
  },
};

function limitsOf(values: OptionValues<typeof limitOptions>): OwnLimits {
  const duration = (name: 'max-call-duration' | 'ring-timeout' | 'early-media-timeout'): number | undefined => {
    const text = values[name];
    const parsed = text === undefined ? undefined : parseDuration(text);
    if (text === undefined || parsed !== undefined) return parsed;
    throw new UsageError(`--${name}: expected a duration such as 30s, 5m or 2h, got "${text}"`);
  };
  return withoutUndefined({
    concurrent_calls: concurrentCalls(values['concurrent-calls']),
    max_call_duration: duration('max-call-duration'),
    ring_timeout: duration('ring-timeout'),
    early_media_timeout: duration('early-media-timeout'),
    direction: countedDirection(values.direction),
  });
}

/** As the configuration bounds it. */
const maxConcurrentCalls = 100_000;

function concurrentCalls(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= maxConcurrentCalls) return value;
  throw new UsageError(`--concurrent-calls: expected a number from 1 to ${maxConcurrentCalls}, got "${text}"`);
}

function countedDirection(text: string | undefined): OwnLimits['direction'] {
  if (text === undefined || text === 'both' || text === 'out' || text === 'in') return text;
  throw new UsageError(`--direction: expected both, out or in, got "${text}"`);
}

function withoutUndefined(limits: OwnLimits): OwnLimits {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

function refuseConfigured(address: UserAddress, loaded: LoadedConfig): void {
  if (!isConfigured(address, loaded)) return;
  const { aor } = address;
  throw new SbcError('user-exists', `${aor} is in the configuration, which would hide one in the database`, { aor });
}

function knownGroup(group: string | undefined, { config }: LoadedConfig): string | undefined {
  if (group === undefined || config.group.some(({ name }) => name === group)) return group;
  throw new SbcError('unknown-group', `there is no group "${group}" in the configuration`, { group });
}
