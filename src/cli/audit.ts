// portcullis audit
import { offeredIn } from '../config/offered-algorithms.ts';
import { guessesFor, passwordFaults, passwordStanding } from '../policy/password-policy.ts';
import { type StoredUser, sameSecret, type UserStore } from '../store/user-store.ts';
import { parseArguments } from './arguments.ts';
import { type Command, type CommandContext, exitCodes } from './command.ts';
import type { LoadedConfig } from './config-file.ts';
import { formatDuration, printJson } from './output.ts';
import { formatTable } from './table.ts';
import { userOptions, withUsers } from './user/user-access.ts';

interface Finding {
  readonly user: string;
  readonly code: 'weak' | 'guessed' | 'old' | 'expiring' | 'expired' | 'algorithm-missing' | 'plain-in-file';
  readonly detail: string;
  readonly remedy: string;
}

export const audit: Command = {
  name: 'audit',
  parameters: '[options]',
  summary: 'Looks for weak, guessable and old passwords of users',
  about: [
    'Of a user in the database only hashes are kept, so the passwords that an attacker tries first are tried against them.',
    'Exit code 1 where something was found.',
  ],
  options: userOptions,
  examples: ['audit', 'audit --json'],
  async run(args, context) {
    const { values } = parseArguments(args, userOptions);
    return withUsers(values.config, context, async (users, loaded) => {
      const stored = await Promise.all(
        (await users.list()).map((user) => storedFindings(user, users, loaded, context)),
      );
      const findings = [...configuredFindings(loaded), ...stored.flat()];
      if (values.json) printJson({ findings }, context);
      else if (findings.length === 0) context.terminal.out('nothing to say against any password\n');
      else {
        const rows = findings.map(({ user, code, detail, remedy }) => [user, code, detail, remedy]);
        context.terminal.out(formatTable(['USER', 'FINDING', 'DETAIL', 'REMEDY'], rows));
      }
      return findings.length === 0 ? exitCodes.ok : exitCodes.refused;
    });
  },
};

function configuredFindings({ config }: LoadedConfig): readonly Finding[] {
  return config.user.flatMap(({ name, domain, password }) => {
    if (password === undefined) return [];
    const user = `${name}@${domain ?? config.domain[0]?.name ?? ''}`;
    const remedy = `move it to the database: user add ${name} --generate`;
    const faults = passwordFaults(password, name, config.passwords.min_length);
    const weak: Finding[] = faults.map((fault) => ({ user, code: 'weak', detail: `the password ${fault}`, remedy }));
    return [...weak, { user, code: 'plain-in-file', detail: 'the password stands in the configuration', remedy }];
  });
}

async function storedFindings(
  { name, domain, realm, password }: StoredUser,
  users: UserStore,
  { config }: LoadedConfig,
  { clock }: CommandContext,
): Promise<readonly Finding[]> {
  const user = `${name}@${domain}`;
  const remedy = `user passwd ${user} --generate`;
  const found: Finding[] = [];
  const add = (code: Finding['code'], detail: string): void => void found.push({ user, code, detail, remedy });
  const credentials = await users.find(name, domain);
  if (credentials.ok && credentials.value !== undefined) {
    const { ha1 } = credentials.value;
    const guess = guessesFor(name).find((one) => sameSecret(ha1, { name, realm, password: one }));
    if (guess !== undefined) add('guessed', 'the password is among those that are tried first');
    const missing = offeredIn(config, domain).filter((algorithm) => ha1[algorithm] === undefined);
    if (missing.length > 0) add('algorithm-missing', `no hash for ${missing.join(', ')}, which a listener offers`);
  }
  const { max_age: maxAge, warn_before: warnBefore, audit_age: auditAge } = config.passwords;
  const now = clock.wall();
  const standing = passwordStanding(password, now, { maxAge, warnBefore });
  if (standing.kind === 'expired') add('expired', 'the password is over: nothing is authenticated with it');
  else if (standing.kind === 'expiring')
    add('expiring', `the password is over at ${new Date(standing.at).toISOString()}`);
  else if (now - password.changedAt >= auditAge)
    add('old', `set at ${new Date(password.changedAt).toISOString()}, more than ${formatDuration(auditAge)} ago`);
  return found;
}
