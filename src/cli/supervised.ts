// Whether a call that serves does so by itself, or in a process that is kept running.
import type { CommandContext } from './command.ts';

export const aloneOption = {
  type: 'boolean',
  about:
    'serve in this very process: no restart after a crash, no upgrade (for containers, whose runtime restarts them)',
} as const;

/** `here` serves in this process. */
export function supervised(
  isAlone: boolean,
  { supervise }: CommandContext,
  here: () => Promise<number>,
): Promise<number> {
  return isAlone || supervise === undefined ? here() : supervise();
}
