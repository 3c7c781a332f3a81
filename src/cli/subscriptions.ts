// portcullis subscriptions, subscriptions end ID
import { answered } from '../admin/admin-client-exchange.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { formatElapsed, jsonOption, printJson } from './output.ts';
import { formatTable } from './table.ts';

const options = { ...adminOptions, json: jsonOption } as const;

export const subscriptions: Command = {
  name: 'subscriptions',
  parameters: '[options]',
  summary: 'Lists what phones watch at a PBX: messages that wait, busy lamps, presence',
  about: ['One that the PBX has not granted yet has no end. [subscriptions] of the configuration lets them be.'],
  options,
  examples: ['subscriptions', 'subscriptions --json', 'subscriptions end 5d0c2f6a91b3e874'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const found = answered(await adminClient(values, context).subscriptions());
    if (values.json) {
      printJson({ subscriptions: found }, context);
      return exitCodes.ok;
    }
    const now = context.clock.wall();
    const rows = found.map(({ id, user, event, resource, expiresAt }) => {
      return [id, user, event, resource, expiresAt === undefined ? '-' : formatElapsed(expiresAt - now)];
    });
    context.terminal.out(formatTable(['ID', 'USER', 'EVENT', 'WATCHES', 'EXPIRES IN'], rows));
    return exitCodes.ok;
  },
};

const endOptions = {
  ...options,
  reject: { type: 'boolean', about: 'tell the phone not to subscribe to it again' },
} as const;

export const subscriptionsEnd: Command = {
  name: 'subscriptions end',
  parameters: 'ID [options]',
  summary: 'Ends one subscription, on both sides',
  about: [
    'Without --reject the phone is told to come back a little later. A user who may not subscribe is locked, or denied by [[rule]].',
  ],
  options: endOptions,
  examples: ['subscriptions end 5d0c2f6a91b3e874', 'subscriptions end 5d0c2f6a91b3e874 --reject'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, endOptions, ['ID']);
    const [id = ''] = positionals;
    const reason = values.reject === true ? 'rejected' : 'probation';
    const ended = answered(await adminClient(values, context).endSubscription(id, reason));
    if (values.json) printJson({ ended }, context);
    else context.terminal.out(`ended ${ended}\n`);
    return exitCodes.ok;
  },
};
