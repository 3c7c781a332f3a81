// The composition root: a configuration becomes a running SBC. The only place that knows every room, with what stands in compose/.
import { replayFraud as replay } from './compose/fraud/fraud-replay.ts';
import type { RunningSbc, StandbyOptions, StartOptions } from './compose/running-sbc.ts';
import { Sbc } from './compose/sbc.ts';
import { testRoute as askRoute } from './compose/site/route-test.ts';
import { SbcError } from './core/errors.ts';
import { keepProgram } from './threads/keep-program.ts';

export type { RunningSbc } from './compose/running-sbc.ts';

/** What would become of a call by the configuration alone. */
export const testRoute: typeof askRoute = (question, environment) => askRoute(question, environment);

/** What the rules of fraud detection would have found in past call records. */
export const replayFraud: typeof replay = (options, lines) => replay(options, lines);

/** Starts everything, or throws an SbcError that says what is in the way; then nothing is left running. */
export async function startSbc(options: StartOptions): Promise<RunningSbc> {
  const sbc = await start(options, undefined);
  if (sbc === undefined) throw new SbcError('not-started', 'the SBC was told to end');
  return sbc;
}

/**
 * The same once no other process is its node any more, or it is told to take over; until then it serves nobody. Undefined when it was to
 * end before that.
 */
export function standBy({ ended, ...options }: StandbyOptions): Promise<RunningSbc | undefined> {
  return start(options, { ended });
}

async function start(
  options: StartOptions,
  standby: Pick<StandbyOptions, 'ended'> | undefined,
): Promise<RunningSbc | undefined> {
  keepProgram(import.meta.url);
  const sbc = new Sbc(options);
  try {
    if (await sbc.start(standby)) return sbc;
    await sbc.stop();
    return undefined;
  } catch (thrown) {
    // One that was to go on with another's calls touches nothing of theirs.
    if (options.channel === undefined || options.channel.role === 'serve') await sbc.stop();
    throw thrown;
  }
}
