// portcullis status
import type { AdminClient } from '../admin/admin-client.ts';
import type { StatusAnswer } from '../admin/admin-client-answers.ts';
import { answered } from '../admin/admin-client-exchange.ts';
import { parseDuration } from '../config/units.ts';
import type { Millis } from '../core/clock.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, type CommandContext, exitCodes, UsageError } from './command.ts';
import { formatElapsed, jsonOption, printJson } from './output.ts';
import { formatTable } from './table.ts';

const options = {
  ...adminOptions,
  json: jsonOption,
  wait: { type: 'string', value: 'TIME', about: 'so long for an answer, of a process that is just being started: 30s' },
} as const;

/** Between two questions. */
const pauseOfWait: Millis = 250;

export const status: Command = {
  name: 'status',
  parameters: '[options]',
  summary: 'Tells whether it is ready, where it listens and how its media workers are',
  options,
  examples: ['status', 'status --json', 'status --wait 30s'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const client = adminClient(values, context);
    let answers = await client.statuses();
    for (const end = context.clock.now() + waitOf(values.wait); !areReady(answers) && context.clock.now() < end; ) {
      await context.pause(pauseOfWait);
      answers = await client.statuses();
    }
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

function waitOf(given: string | undefined): Millis {
  const wait = given === undefined ? 0 : parseDuration(given);
  if (wait !== undefined) return wait;
  throw new UsageError(`--wait: expected a duration such as 30s, got "${given}"`);
}

/** Each has something else to say than that it is not there yet. */
function areReady(answers: Awaited<ReturnType<AdminClient['statuses']>>): boolean {
  return answers.every((answer) =>
    answer.ok ? answer.value.state !== 'starting' : !['not-running', 'no-answer'].includes(answer.error.kind),
  );
}

function print(answer: StatusAnswer, index: number, context: CommandContext): void {
  if (index > 0) context.terminal.out('\n');
  const { node, version, state, startedAt, activeCalls, relayedCalls, listeners, mediaWorkers, upgrade } = answer;
  const running = formatElapsed(context.clock.wall() - startedAt);
  const relayed = relayedCalls === 0 ? '' : ` (${relayedCalls} more that another node began)`;
  const calls = `calls: ${activeCalls - relayedCalls}${relayed}`;
  context.terminal.out(`${node} (portcullis ${version}): ${state}, running for ${running}, ${calls}\n`);
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
