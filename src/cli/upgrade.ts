// portcullis upgrade
import type { AdminClient } from '../admin/admin-client.ts';
import { answered } from '../admin/admin-client-exchange.ts';
import type { Millis } from '../core/clock.ts';
import { SbcError } from '../core/errors.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, type CommandContext, type ExitCode, exitCodes } from './command.ts';
import { jsonOption, printJson } from './output.ts';

const options = { ...adminOptions, json: jsonOption } as const;

/** Longer than the supervisor lets an upgrade take. */
const longestWait: Millis = 150_000;
const lookInterval: Millis = 100;

export const upgrade: Command = {
  name: 'upgrade',
  parameters: '[options]',
  summary: 'Has the program as it is installed now take over, with every call that runs',
  about: [
    'A new process starts beside the one that serves, and takes over its sockets and calls when it is ready; media stands still for a',
    'moment. If it does not get ready, the one that serves goes on, and this command says why. The new process reads the configuration',
    'file as it is then. SIGUSR2 to the process that was started does the same. Not with run --no-supervisor. Of several processes',
    '(sbc.processes) one after the other is upgraded, until one is not; with SIGUSR2 all at once.',
  ],
  options,
  examples: ['upgrade', 'check && portcullis upgrade'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    return upgradeAll(adminClient(values, context), values.json === true, context);
  },
};

/** One process after the other, until one is not upgraded. Throws SbcError where an upgrade was not begun, or where nothing came of it. */
export async function upgradeAll(
  { processes }: AdminClient,
  isJson: boolean,
  context: CommandContext,
): Promise<ExitCode> {
  const outcomes: Outcome[] = [];
  for (const client of processes) {
    const outcome = await upgraded(client, context);
    outcomes.push(outcome);
    if (!isJson) tell(outcome, context);
    // The others go on as they are, too.
    if (!outcome.upgraded) break;
  }
  const isDone = outcomes.every((outcome) => outcome.upgraded);
  if (isJson) {
    const shown = outcomes.map(({ from, ...outcome }) => (outcome.upgraded ? { from, ...outcome } : outcome));
    printJson(processes.length === 1 ? shown[0] : { upgraded: isDone, processes: shown }, context);
  }
  return isDone ? exitCodes.ok : exitCodes.refused;
}

type Outcome =
  | {
      readonly upgraded: true;
      readonly from: number;
      readonly to: number;
      readonly version: string;
      readonly took: Millis;
    }
  | { readonly upgraded: false; readonly from: number; readonly reason: string | undefined };

/** Throws SbcError when it was not begun, or when nothing came of it. */
async function upgraded(client: AdminClient, context: CommandContext): Promise<Outcome> {
  const start = context.clock.now();
  const from = answered(await client.upgrade());
  while (context.clock.now() - start < longestWait) {
    await context.pause(lookInterval);
    const status = await client.status();
    // Between the two processes nobody answers for a moment.
    if (!status.ok) continue;
    const { process: to, version, upgrade: last } = status.value;
    const took = Math.round(context.clock.now() - start);
    if (to !== from) return { upgraded: true, from, to, version, took };
    if (last?.state === 'failed') return { upgraded: false, from, reason: last.reason };
  }
  throw new SbcError(
    'upgrade-late',
    `nothing came of the upgrade within ${longestWait / 1_000} s; see "portcullis status"`,
  );
}

function tell(outcome: Outcome, { terminal }: CommandContext): void {
  if (outcome.upgraded) {
    const { to, version, took } = outcome;
    terminal.out(`process ${to} (portcullis ${version}) serves now, after ${took} ms\n`);
  } else {
    terminal.error(`portcullis: process ${outcome.from} goes on: ${outcome.reason ?? 'no reason is known'}\n`);
  }
}
