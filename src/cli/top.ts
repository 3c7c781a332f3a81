// portcullis top
import type { AdminClient } from '../admin/admin-client.ts';
import type { OverviewAnswer } from '../admin/admin-client-answers.ts';
import { answered } from '../admin/admin-client-exchange.ts';
import { parseDuration } from '../config/units.ts';
import { type Millis, systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { SystemScheduler } from '../core/scheduler.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, type CommandContext, exitCodes, UsageError } from './command.ts';
import { jsonOption } from './output.ts';
import { reportOf } from './top/frame.ts';
import { painted } from './top/line.ts';
import { type Sample, sampleOf } from './top/sample.ts';
import { callQueryOf, showTop } from './top/session.ts';
import { initialState, type TopState, viewOrders } from './top/top-state.ts';

const options = {
  ...adminOptions,
  interval: {
    type: 'string',
    value: 'TIME',
    about: 'between two looks, such as 2s (1s when not given, 200ms at least)',
  },
  sort: { type: 'string', value: 'COLUMN', about: `calls by ${viewOrders.calls.join(', ')}` },
  filter: { type: 'string', value: 'TEXT', about: 'only calls whose id, state, caller or callee holds it' },
  once: { type: 'boolean', about: 'print one look and end, as where there is no terminal' },
  json: { ...jsonOption, about: 'print a JSON object for each look, a line each' },
} as const;

export const top: Command = {
  name: 'top',
  parameters: '[options]',
  summary: 'Shows live what goes on: calls and their quality, packets, CPU, phones, trunks, bans, refusals',
  about: [
    'enter opens a call with its media and its ladder, x ends one after a question, / filters, s sorts, tab turns to trunks, phones,',
    'bans and refusals, h tells the rest. Without colours where NO_COLOR is set. Running calls are asked how they sound, 64 at a time.',
    'Of several processes (sbc.processes) it shows all as one, the processors of each, and which of them does not answer.',
  ],
  options,
  examples: ['top', 'top --sort mos', 'top --once', 'top --once --json'],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const interval = intervalOf(values.interval);
    const state = initialState({ filter: values.filter ?? '', order: orderOf(values.sort) });
    // It shows itself who does not answer: a line in between would stand across the screen.
    const client = adminClient(values, context, () => {});
    const scheduler = new SystemScheduler(systemClock, (thrown) => context.terminal.error(`${messageOf(thrown)}\n`));
    const pause = (): Promise<void> => new Promise((resolve) => void scheduler.after(interval, resolve));
    if (values.json) await printSamples(client, state, values.once ?? false, pause, context);
    else {
      const screen = values.once ? undefined : context.terminal.screen();
      const hasColour = (context.environment['NO_COLOR'] ?? '') === '' && context.environment['TERM'] !== 'dumb';
      if (screen === undefined) await printReport(client, state, pause, context);
      else {
        answered(await client.version());
        await showTop(
          { client, screen, hasColour, signals: context.signals, scheduler, clock: context.clock, interval },
          state,
        );
      }
    }
    return exitCodes.ok;
  },
};

/** Two looks, since a rate needs them. */
async function printReport(
  client: AdminClient,
  state: TopState,
  pause: () => Promise<void>,
  context: CommandContext,
): Promise<void> {
  const before = await look(client, state);
  await pause();
  const sample = sampleOf(before, await look(client, state));
  const lines = reportOf(state, { sample, now: sample.overview.at }, reportWidth);
  context.terminal.out(`${lines.map((line) => painted(line, false).trimEnd()).join('\n')}\n`);
}

async function printSamples(
  client: AdminClient,
  state: TopState,
  isOnce: boolean,
  pause: () => Promise<void>,
  context: CommandContext,
): Promise<void> {
  let before = await look(client, state);
  let isAsked = false;
  const forget = (['SIGINT', 'SIGTERM'] as const).map((signal) =>
    context.signals.on(signal, () => {
      isAsked = true;
    }),
  );
  try {
    do {
      await pause();
      const now = await look(client, state);
      context.terminal.out(`${JSON.stringify(documentOf(sampleOf(before, now)))}\n`);
      before = now;
    } while (!isOnce && !isAsked);
  } finally {
    for (const one of forget) one();
  }
}

function documentOf({ overview, rates }: Sample): object {
  const { list, ...counted } = overview;
  return { ...counted, rates: rates ?? null, list };
}

async function look(client: AdminClient, state: TopState): Promise<OverviewAnswer> {
  return answered(await client.overview(callQueryOf(state, reportCalls)));
}

function intervalOf(given: string | undefined): Millis {
  if (given === undefined) return usualInterval;
  const interval = parseDuration(given);
  if (interval !== undefined && interval >= shortestInterval) return interval;
  throw new UsageError(`--interval: expected a duration such as 2s, 200ms at least, got "${given}"`);
}

function orderOf(given: string | undefined): number {
  if (given === undefined) return 0;
  const columns: readonly string[] = viewOrders.calls;
  const index = columns.indexOf(given);
  if (index >= 0) return index;
  throw new UsageError(`--sort: expected ${viewOrders.calls.join(', ')}, got "${given}"`);
}

const usualInterval: Millis = 1_000;
const shortestInterval: Millis = 200;
const reportWidth = 140;
const reportCalls = 1_000;
