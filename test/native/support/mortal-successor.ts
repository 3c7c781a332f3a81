// Loaded before the program (--import): its process in place of another kills itself at a step of the hand-over, just before it says it, or when
// it hears it. Which one is in the file that PORTCULLIS_DIES_AT names, and absent there it lives. A kill from outside would come a little later than
// what it waits for, and on a busy machine the step after may be over by then.
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

export const diesAtVariable = 'PORTCULLIS_DIES_AT';
/** For the supervisor, which starts the others as it was started. */
export const mortality: readonly string[] = ['--import', import.meta.url];
/** In their order: it has started, has all but the calls, has those too, hears that media is its own, serves. */
export const stepsOfSuccessor = ['up', 'prepared', 'loaded', 'released', 'ready'] as const;
export type StepOfSuccessor = (typeof stepsOfSuccessor)[number];

const messageSchema = z.object({ type: z.string(), message: z.object({ type: z.string() }).optional() });

if (process.env['PORTCULLIS_CHILD'] === 'succeed') {
  const send = process.send?.bind(process);
  const sendOrDie = (message: unknown): boolean => {
    dieAt(message);
    return send?.(message) === true;
  };
  Object.defineProperty(process, 'send', { value: sendOrDie });
  process.on('message', dieAt);
}

function dieAt(message: unknown): void {
  const file = process.env[diesAtVariable];
  const step = file !== undefined && existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  const said = messageSchema.safeParse(message).data;
  if (step !== undefined && step === (said?.message?.type ?? said?.type)) process.kill(process.pid, 'SIGKILL');
}
