// How commands reach the running SBC: over the socket that the configuration names, or one that is given.
import { resolve } from 'node:path';
import { AdminClient } from '../admin/admin-client.ts';
import type { OptionValues } from './arguments.ts';
import type { CommandContext } from './command.ts';
import { adminClientOf, loadConfigFile } from './config-file.ts';
import { configOption } from './config-option.ts';

export const adminOptions = {
  config: configOption,
  socket: {
    type: 'string',
    value: 'PATH',
    about: 'the admin socket, of one process, instead of those that the configuration names',
  },
} as const;

/** `onMissing`: what to do when a list is without some of several processes; absent: it is said. */
export function adminClient(
  { config, socket }: OptionValues<typeof adminOptions>,
  context: CommandContext,
  onMissing?: () => void,
): AdminClient {
  if (socket !== undefined) return new AdminClient(resolve(context.workingDirectory, socket));
  return adminClientOf(loadConfigFile(config, context), context, onMissing);
}
