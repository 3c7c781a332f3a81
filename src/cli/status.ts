// portcullis status
import type { StatusAnswer } from '../admin/admin-client-answers.ts';
import { answered } from '../admin/admin-client-exchange.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, type CommandContext, exitCodes } from './command.ts';
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
    const answers = await adminClient(values, context).statuses();
    const [first] = answers;
    const found = answers.flatMap((answer) => (answer.ok ? [answer.value] : []));
    if (found.length === 0 && first !== undefined) answered(first);
    if (values.json) printJson(answers.length === 1 ? found[0] : { processes: found }, context);
    else for (const [index, answer] of found.entries()) print(answer, index, context);
    for (const [index, answer] of answers.entries()) {
      if (!answer.ok)
        context.terminal.error(`portcullis: process ${index + 1} of ${answers.length}: ${answer.error.message}\n`);
    }
    return found.length < answers.length ? exitCodes.notRunning : exitCodes.ok;
  },
};

function print(answer: StatusAnswer, index: number, context: CommandContext): void {
  if (index > 0) context.terminal.out('\n');
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
}
