// portcullis bans, bans add ADDRESS, bans lift ADDRESS

import { answered } from '../admin/admin-client-exchange.ts';
import { parseDuration } from '../config/units.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes, UsageError } from './command.ts';
import { formatElapsed, jsonOption, printJson } from './output.ts';
import { formatTable } from './table.ts';

const options = { ...adminOptions, json: jsonOption } as const;

export const bans: Command = {
  name: 'bans',
  parameters: '[options]',
  summary: 'Lists the sources and accounts that are turned away, for how long and why',
  about: [
    'A ban with an account holds for that account from that source; one without holds for everything from there.',
  ],
  options,
  examples: ['bans', 'bans --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const found = answered(await adminClient(values, context).bans());
    if (values.json) {
      printJson({ bans: found }, context);
      return exitCodes.ok;
    }
    const now = context.clock.wall();
    const rows = found.map(({ source, account = '-', reason, until, times }) => {
      return [source, account, reason, formatElapsed(until - now), String(times)];
    });
    context.terminal.out(formatTable(['SOURCE', 'ACCOUNT', 'REASON', 'ENDS IN', 'TIMES'], rows));
    return exitCodes.ok;
  },
};

const addOptions = {
  ...options,
  for: { type: 'string', value: 'TIME', about: 'how long, such as 30m or 7d; otherwise by how often it was banned' },
} as const;

export const bansAdd: Command = {
  name: 'bans add',
  parameters: 'ADDRESS [options]',
  summary: 'Turns everything from an address away and ends its connections',
  about: ['Peers of the configuration and what [bans] allow names are never turned away, whatever is banned.'],
  options: addOptions,
  examples: ['bans add 198.51.100.7', 'bans add 2001:db8::1 --for 7d'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, addOptions, ['ADDRESS']);
    const lasts = values.for === undefined ? undefined : parseDuration(values.for);
    if (values.for !== undefined && lasts === undefined) {
      throw new UsageError(`--for: expected a duration such as 30m, 12h or 7d, got "${values.for}"`);
    }
    const ban = answered(await adminClient(values, context).ban(positionals[0] ?? '', lasts));
    if (values.json) printJson({ banned: ban }, context);
    else context.terminal.out(`banned ${ban.source} for ${formatElapsed(ban.until - context.clock.wall())}\n`);
    return exitCodes.ok;
  },
};

export const bansLift: Command = {
  name: 'bans lift',
  parameters: 'ADDRESS [options]',
  summary: 'Takes the bans of an address back, those of single accounts there included',
  options,
  examples: ['bans lift 198.51.100.7'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, options, ['ADDRESS']);
    const lifted = answered(await adminClient(values, context).liftBans(positionals[0] ?? ''));
    if (values.json) printJson({ lifted }, context);
    else context.terminal.out(`lifted ${lifted}\n`);
    return exitCodes.ok;
  },
};
