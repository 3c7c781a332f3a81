// portcullis user import FILE

import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { offeredIn } from '../../../config/offered-algorithms.ts';
import { messageOf, SbcError } from '../../../core/errors.ts';
import { passwordFaults } from '../../../policy/password-policy.ts';
import type { NewUser } from '../../../store/user-store.ts';
import { parseArguments } from '../../arguments.ts';
import { type Command, type CommandContext, exitCodes, UsageError } from '../../command.ts';
import type { LoadedConfig } from '../../config-file.ts';
import { printJson } from '../../output.ts';
import { formatTable } from '../../table.ts';
import { isConfigured, parseUserAddress, type UserAddress, userOptions, withUsers } from '../user-access.ts';
import { readAsterisk } from './asterisk.ts';
import { type ImportedFile, type ImportedUser, maxImportBytes } from './imported-user.ts';
import { readKamailio } from './kamailio.ts';

const formats = { asterisk: readAsterisk, kamailio: readKamailio } as const;

const options = {
  ...userOptions,
  format: {
    type: 'string',
    short: 'f',
    value: 'WHICH',
    about: 'asterisk (pjsip.conf, sip.conf) or kamailio (subscriber as CSV)',
  },
  'accept-weak': { type: 'boolean', about: 'take passwords that would be refused as new ones' },
  'dry-run': { type: 'boolean', about: 'say what would become of each, and keep nothing' },
} as const;

/** `outcome` says why where nothing was kept. */
interface Row {
  readonly line: number;
  readonly user: string;
  readonly imported: boolean;
  readonly outcome: string;
  /** Algorithms that a listener offers and that this user cannot answer, because only another hash is known. */
  readonly lacks: readonly string[];
}

export const userImport: Command = {
  name: 'user import',
  parameters: 'FILE --format asterisk|kamailio [options]',
  summary: 'Adds the users of another system to the database',
  about: [
    'Users who are there already stay as they are. Weak passwords are left out unless --accept-weak takes them; a hash is taken as it',
    'is where it was made for the realm of its domain. Who cannot answer an algorithm that a listener offers is named.',
  ],
  options,
  examples: [
    'user import /etc/asterisk/pjsip.conf --format asterisk --dry-run',
    'user import subscriber.csv --format kamailio --accept-weak',
  ],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, options, ['FILE']);
    const read = readerOf(values.format);
    const file = readFile(positionals[0] ?? '', context, read);
    return withUsers(values.config, context, async (users, loaded, audit) => {
      const rows: Row[] = file.faults.map(({ line, message }) => notImported(line, '-', message));
      const known = new Set((await users.list()).map(({ name, domain }) => `${name}@${domain}`));
      for (const user of file.users) {
        const row = judge(user, known, loaded, values['accept-weak'] ?? false);
        if (row.entry !== undefined && values['dry-run'] !== true) {
          await users.add(row.entry);
          audit('user import', row.user);
        }
        rows.push(row);
      }
      rows.sort((a, b) => a.line - b.line);
      show(rows, values.json ?? false, context);
      return rows.every(({ imported }) => imported) ? exitCodes.ok : exitCodes.refused;
    });
  },
};

/** What becomes of one user, who then counts as known: a second one of the same name is left out. */
function judge(
  user: ImportedUser,
  known: Set<string>,
  loaded: LoadedConfig,
  acceptsWeak: boolean,
): Row & { readonly entry?: NewUser } {
  const { line, secret } = user;
  const address = addressOf(user, loaded);
  if (typeof address === 'string') return notImported(line, user.name, address);
  const { name, domain, realm, aor } = address;
  if (secret.kind === 'ha1' && user.realm !== undefined && user.realm !== realm)
    return notImported(line, aor, `its hash is of the realm "${user.realm}", not "${realm}"`);
  const faults =
    secret.kind === 'password' ? passwordFaults(secret.password, name, loaded.config.passwords.min_length) : [];
  if (faults.length > 0 && !acceptsWeak) return notImported(line, aor, `the password ${faults.join(', ')}`);
  if (isConfigured(address, loaded) || known.has(aor)) return notImported(line, aor, 'there is already such a user');
  known.add(aor);
  const entry: NewUser = { name, domain, realm, secret, limits: {} };
  const outcome = faults.length > 0 ? `weak: ${faults.join(', ')}` : 'imported';
  return { line, user: aor, imported: true, outcome, lacks: lacking(entry, loaded), entry };
}

function addressOf({ name, domain }: ImportedUser, loaded: LoadedConfig): UserAddress | string {
  try {
    return parseUserAddress(domain === undefined ? name : `${name}@${domain}`, loaded);
  } catch (thrown) {
    if (thrown instanceof SbcError) return thrown.message;
    throw thrown;
  }
}

function lacking({ secret, domain }: NewUser, { config }: LoadedConfig): readonly string[] {
  if (secret.kind === 'password') return [];
  return offeredIn(config, domain).filter((algorithm) => secret.ha1[algorithm] === undefined);
}

function notImported(line: number, user: string, outcome: string): Row {
  return { line, user, imported: false, outcome, lacks: [] };
}

function readerOf(format: string | undefined): (text: string) => ImportedFile {
  if (format === 'asterisk' || format === 'kamailio') return formats[format];
  throw new UsageError(`--format: expected ${Object.keys(formats).join(' or ')}, got "${format ?? ''}"`);
}

function readFile(
  name: string,
  { workingDirectory }: CommandContext,
  read: (text: string) => ImportedFile,
): ImportedFile {
  const file = resolve(workingDirectory, name);
  try {
    const { size } = statSync(file);
    if (size > maxImportBytes) throw new SbcError('import-too-large', `${size} B exceed ${maxImportBytes} B`);
    return read(readFileSync(file, 'utf8'));
  } catch (thrown) {
    throw new SbcError('import-unreadable', `${file}: ${messageOf(thrown)}`, { file }, thrown);
  }
}

function show(rows: readonly Row[], isJson: boolean, context: CommandContext): void {
  const imported = rows.filter((row) => row.imported).length;
  if (isJson) {
    const users = rows.map(({ line, user, imported: isIn, outcome, lacks }) => ({
      line,
      user,
      imported: isIn,
      outcome,
      lacks,
    }));
    printJson({ imported, leftOut: rows.length - imported, users }, context);
    return;
  }
  const cells = rows.map(({ line, user, outcome, imported: isIn, lacks }) => {
    const remark = lacks.length === 0 ? outcome : `${outcome}; cannot answer ${lacks.join(', ')}`;
    return [String(line), user, isIn ? 'imported' : 'left out', remark === 'imported' ? '' : remark];
  });
  if (cells.length > 0) context.terminal.out(formatTable(['LINE', 'USER', 'RESULT', 'REMARK'], cells));
  context.terminal.out(`${imported} imported, ${rows.length - imported} left out\n`);
}
