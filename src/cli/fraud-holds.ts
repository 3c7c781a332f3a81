// portcullis fraud list, fraud lift SUBJECT
import { answered } from '../admin/admin-client-exchange.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { formatElapsed, jsonOption, printJson } from './output.ts';
import { printable } from './printable.ts';
import { formatTable } from './table.ts';

const options = { ...adminOptions, json: jsonOption } as const;

export const fraudList: Command = {
  name: 'fraud list',
  parameters: '[options]',
  summary: 'Lists what the detection of fraud holds against whom: calls that are refused, and users that are locked',
  about: ['Users of the database that it locked are in user list, and are unlocked with user unlock.'],
  options,
  examples: ['fraud list', 'fraud list --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const found = answered(await adminClient(values, context).fraudHolds());
    if (values.json) {
      printJson({ holds: found }, context);
      return exitCodes.ok;
    }
    const now = context.clock.wall();
    const rows = found.map(({ subject, action, of, rule, since, until }) => {
      const held = action === 'lock' ? 'locked' : `${of ?? 'all'} calls refused`;
      return [
        printable(subject),
        held,
        rule,
        formatElapsed(now - since),
        until === undefined ? '-' : formatElapsed(until - now),
      ];
    });
    context.terminal.out(formatTable(['WHO', 'WHAT', 'RULE', 'SINCE', 'ENDS IN'], rows));
    return exitCodes.ok;
  },
};

export const fraudLift: Command = {
  name: 'fraud lift',
  parameters: 'SUBJECT [options]',
  summary: 'Takes back what the detection of fraud holds against a user, trunk or PBX',
  about: [
    'SUBJECT is one of fraud list, such as user:alice@example.com. A rule that acted does not act again on the same within its window.',
  ],
  options,
  examples: ['fraud lift user:alice@example.com', 'fraud lift trunk:carrier'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, options, ['SUBJECT']);
    const lifted = answered(await adminClient(values, context).liftFraud(positionals[0] ?? ''));
    if (values.json) printJson({ lifted }, context);
    else context.terminal.out(`lifted ${lifted}\n`);
    return exitCodes.ok;
  },
};
