// Has the running SBC look at a user again that was changed in the database: what a locked one has open ends at once.
import { type CommandContext, type ExitCode, exitCodes } from '../command.ts';
import { adminClientOf, type LoadedConfig } from '../config-file.ts';

/** Nothing is said where it does not run. Where it runs and cannot be told, the change stands, and the exit code says so. */
export async function tellRunning(
  aor: string,
  loaded: LoadedConfig,
  { terminal }: Pick<CommandContext, 'terminal'>,
): Promise<ExitCode> {
  const answer = await adminClientOf(loaded, { terminal }).recheckUser(aor);
  if (answer.ok || answer.error.kind === 'not-running') return exitCodes.ok;
  terminal.error(
    `portcullis: the running SBC could not be told (${answer.error.message}): what ${aor} has open lasts until it expires\n`,
  );
  return exitCodes.refused;
}
