// portcullis devices, devices approve ID, devices deny ID, devices forget ID, devices learn
import type { DeviceAnswer } from '../admin/admin-client-answers.ts';
import { answered } from '../admin/admin-client-exchange.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { formatElapsed, jsonOption, printJson } from './output.ts';
import { printable } from './printable.ts';
import { formatTable } from './table.ts';

const options = { ...adminOptions, json: jsonOption } as const;

export const devices: Command = {
  name: 'devices',
  parameters: '[options]',
  summary: 'Lists the devices of users who need more than a password; those that wait for approval first',
  about: ['Of groups and users with second_factor = "device" or "device-and-network".'],
  options,
  examples: ['devices', 'devices --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const found = answered(await adminClient(values, context).devices());
    if (values.json) {
      printJson({ devices: found }, context);
      return exitCodes.ok;
    }
    const now = context.clock.wall();
    const rows = found.map(({ id, aor, state, description, source, firstAt, decidedBy }) => {
      const by = decidedBy === '' ? '-' : decidedBy;
      return [id, printable(aor), state, formatElapsed(now - firstAt), source, by, printable(description)];
    });
    context.terminal.out(formatTable(['ID', 'USER', 'STATE', 'SEEN', 'FROM', 'BY', 'DEVICE'], rows));
    return exitCodes.ok;
  },
};

const approveOptions = {
  ...options,
  code: { type: 'string', value: 'CODE', about: 'a one-time code of the user, who approves it then (user totp enrol)' },
} as const;

export const devicesApprove: Command = {
  name: 'devices approve',
  parameters: 'ID [options]',
  summary: 'Lets a device register and call from now on',
  about: ['The phone gets through when it tries the next time.'],
  options: approveOptions,
  examples: ['devices approve 3f2a8c51d0e94b77', 'devices approve 3f2a8c51d0e94b77 --code 123456'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, approveOptions, ['ID']);
    const client = adminClient(values, context);
    const device = answered(await client.decideDevice(positionals[0] ?? '', 'approved', values.code));
    if (values.json) printJson({ device }, context);
    else context.terminal.out(`approved ${device.id} of ${printable(device.aor)}\n`);
    return exitCodes.ok;
  },
};

export const devicesDeny = deciding({
  verb: 'deny',
  done: 'denied',
  summary: 'Turns a device away for good; nobody is asked about it again',
  about: 'A phone that is registered is not called any more, and its subscriptions end. Calls that run go on.',
  ask: (client, id) => client.decideDevice(id, 'denied'),
});

export const devicesForget = deciding({
  verb: 'forget',
  done: 'forgot',
  summary: 'Makes a device one that was never seen: it waits for approval when it comes again',
  about: 'A phone that is registered is not called any more, and its subscriptions end. Calls that run go on.',
  ask: (client, id) => client.forgetDevice(id),
});

export const devicesLearn: Command = {
  name: 'devices learn',
  parameters: '[options]',
  summary: 'Approves the device of every registration that is alive, before second_factor is turned on',
  options,
  examples: ['devices learn'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const learned = answered(await adminClient(values, context).learnDevices());
    if (values.json) printJson({ devices: learned }, context);
    else context.terminal.out(`approved ${learned.length}\n`);
    return exitCodes.ok;
  },
};

function deciding({
  verb,
  done,
  summary,
  about,
  ask,
}: {
  readonly verb: string;
  readonly done: string;
  readonly summary: string;
  readonly about: string;
  readonly ask: (
    client: ReturnType<typeof adminClient>,
    id: string,
  ) => ReturnType<ReturnType<typeof adminClient>['forgetDevice']>;
}): Command {
  return {
    name: `devices ${verb}`,
    parameters: 'ID [options]',
    summary,
    about: [about],
    options,
    examples: [`devices ${verb} 3f2a8c51d0e94b77`],
    async run(args, context) {
      const { values, positionals } = parseArguments(args, options, ['ID']);
      const device: DeviceAnswer = answered(await ask(adminClient(values, context), positionals[0] ?? ''));
      if (values.json) printJson({ device }, context);
      else context.terminal.out(`${done} ${device.id} of ${printable(device.aor)}\n`);
      return exitCodes.ok;
    },
  };
}
