// Where a user's new password comes from: typed twice, an environment variable, or chance. Never an argument, which every
// process of the machine could read.
import { SbcError } from '../../core/errors.ts';
import { generatePassword, passwordFaults } from '../../policy/password-policy.ts';
import type { OptionValues } from '../arguments.ts';
import { type CommandContext, UsageError } from '../command.ts';

export const passwordOptions = {
  generate: { type: 'boolean', about: 'make a strong password and print it' },
  'password-env': { type: 'string', value: 'NAME', about: 'take the password from this environment variable' },
} as const;

export interface NewPassword {
  readonly password: string;
  /** Nobody knows it yet: it has to be told. */
  readonly isGenerated: boolean;
}

/** Throws UsageError, or SbcError `password-weak`, `password-missing` or `password-differs`. */
export async function newPassword(
  { generate = false, 'password-env': variable }: OptionValues<typeof passwordOptions>,
  { userName, minLength }: { readonly userName: string; readonly minLength: number },
  context: CommandContext,
): Promise<NewPassword> {
  if (generate && variable !== undefined) throw new UsageError('--generate and --password-env exclude each other');
  if (generate) return { password: generatePassword(userName, context.random, minLength), isGenerated: true };
  const password = variable === undefined ? await typedTwice(userName, context) : fromVariable(variable, context);
  const faults = passwordFaults(password, userName, minLength);
  if (faults.length === 0) return { password, isGenerated: false };
  throw new SbcError('password-weak', faults.map((fault) => `the password ${fault}`).join('\n'));
}

function fromVariable(variable: string, { environment }: CommandContext): string {
  const password = environment[variable];
  if (password !== undefined && password !== '') return password;
  throw new SbcError('password-missing', `the environment has no ${variable}`, { variable });
}

async function typedTwice(userName: string, { terminal }: CommandContext): Promise<string> {
  const password = await terminal.askSecret(`Password for ${userName}: `);
  if (password === undefined) throw new UsageError('there is nobody to ask: give --generate or --password-env');
  if ((await terminal.askSecret('Again: ')) === password) return password;
  throw new SbcError('password-differs', 'the two are not the same; nothing was changed');
}
