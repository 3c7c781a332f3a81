// portcullis status
import { adminClient, adminOptions, answered } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes } from './command.ts';
import { formatElapsed, jsonOption, printJson } from './output.ts';
import { formatTable } from './table.ts';

const options = { ...adminOptions, json: jsonOption } as const;

export const status: Command = {
  name: 'status',
  parameters: '[options]',
  summary: 'Tells whether it is ready, where it listens and how its media workers are',
  options,
  examples: ['status', 'status --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const answer = answered(await adminClient(values, context).status());
    if (values.json) {
      printJson(answer, context);
      return exitCodes.ok;
    }
    const { node, version, state, startedAt, activeCalls, listeners, mediaWorkers, upgrade } = answer;
    const running = formatElapsed(context.clock.wall() - startedAt);
    context.terminal.out(`${node} (portcullis ${version}): ${state}, running for ${running}, calls: ${activeCalls}\n`);
    const restarted = answer.supervisor === undefined ? '' : `, kept running by ${answer.supervisor}`;
    context.terminal.out(`process ${answer.process}${restarted}\n`);
    if (upgrade !== undefined) {
      const reason = upgrade.reason === undefined ? '' : `: ${upgrade.reason}`;
      context.terminal.out(`the last upgrade is ${upgrade.state}${reason}\n`);
    }
    context.terminal.out('\n');
    const rows = listeners.map(({ name, transport, address }) => [name, transport, address]);
    context.terminal.out(`${formatTable(['LISTENER', 'TRANSPORT', 'ADDRESS'], rows)}\n`);
    const workers = mediaWorkers.map(({ alive, driver = '-', sessions }, index) => {
      return [String(index), alive ? 'yes' : 'no', driver, String(sessions)];
    });
    context.terminal.out(formatTable(['MEDIA WORKER', 'ALIVE', 'DRIVER', 'SESSIONS'], workers));
    return exitCodes.ok;
  },
};
