// portcullis upgrade
import type { Millis } from '../core/clock.ts';
import { SbcError } from '../core/errors.ts';
import { adminClient, adminOptions, answered } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
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
    'file as it is then. SIGUSR2 to the process that was started does the same. Not with run --no-supervisor.',
  ],
  options,
  examples: ['upgrade', 'check && portcullis upgrade'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const client = adminClient(values, context);
    const start = context.clock.now();
    const before = answered(await client.upgrade());
    while (context.clock.now() - start < longestWait) {
      await context.pause(lookInterval);
      const status = await client.status();
      // Between the two processes nobody answers for a moment.
      if (!status.ok) continue;
      const { process, version, upgrade: last } = status.value;
      const took = Math.round(context.clock.now() - start);
      if (process !== before) {
        if (values.json) printJson({ upgraded: true, from: before, to: process, version, took }, context);
        else context.terminal.out(`process ${process} (portcullis ${version}) serves now, after ${took} ms\n`);
        return exitCodes.ok;
      }
      if (last?.state !== 'failed') continue;
      if (values.json) printJson({ upgraded: false, reason: last.reason }, context);
      else context.terminal.error(`portcullis: process ${before} goes on: ${last.reason ?? 'no reason is known'}\n`);
      return exitCodes.refused;
    }
    throw new SbcError(
      'upgrade-late',
      `nothing came of the upgrade within ${longestWait / 1_000} s; see "portcullis status"`,
    );
  },
};
