// How commands reach the running SBC: over the socket that the configuration names, or one that is given.
import { resolve } from 'node:path';
import { AdminClient } from '../admin/admin-client.ts';
import type { AdminFailure } from '../admin/admin-client-exchange.ts';
import { SbcError } from '../core/errors.ts';
import type { Result } from '../core/result.ts';
import type { OptionValues } from './arguments.ts';
import type { CommandContext } from './command.ts';
import { adminClientOf, configOption, loadConfigFile } from './config-file.ts';

export const adminOptions = {
  config: configOption,
  socket: {
    type: 'string',
    value: 'PATH',
    about: 'the admin socket, of one process, instead of those that the configuration names',
  },
} as const;

export function adminClient(
  { config, socket }: OptionValues<typeof adminOptions>,
  context: CommandContext,
): AdminClient {
  if (socket !== undefined) return new AdminClient(resolve(context.workingDirectory, socket));
  return adminClientOf(loadConfigFile(config, context), context);
}

/** Throws SbcError with the code of the failure; `not-running` when nobody answers. */
export function answered<T>(answer: Result<T, AdminFailure>): T {
  if (answer.ok) return answer.value;
  const { code, message, errors } = answer.error;
  throw new SbcError(code, [message, ...errors].join('\n'));
}
