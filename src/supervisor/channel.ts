// The end of a supervisor's channel that a process has which it runs.

import type { ChildRole } from './child.ts';
import { type FromChild, readToChild, type ToChild } from './messages.ts';

export interface SupervisorChannel {
  readonly role: ChildRole;
  /** Which of how many that serve side by side, from 1 on; undefined: it is the only one. */
  readonly process: { readonly number: number; readonly of: number } | undefined;
  /** The process that signals are for. */
  readonly supervisor: number;
  send(message: FromChild): void;
  /** One at a time hears; what came before waits. */
  listen(hear: (message: ToChild) => void): void;
  /** Resolves when the supervisor is gone: nobody starts this process again then. */
  readonly gone: Promise<void>;
}

/** The channel of this process; undefined where no supervisor of ours runs it. */
export function openChannel(role: string | undefined, number: string | undefined): SupervisorChannel | undefined {
  const isRole = role === 'serve' || role === 'succeed' || role === 'spare';
  if (!isRole || process.send === undefined) return undefined;
  const waiting: ToChild[] = [];
  let hearer: ((message: ToChild) => void) | undefined;
  process.on('message', (value: unknown) => {
    const message = readToChild(value);
    if (message === undefined) return;
    if (hearer === undefined) waiting.push(message);
    else hearer(message);
  });
  const gone = new Promise<void>((resolve) => process.once('disconnect', () => resolve()));
  return {
    role,
    process: readProcess(number),
    supervisor: process.ppid,
    send: (message) => {
      if (process.connected) process.send?.(message);
    },
    listen: (hear) => {
      hearer = hear;
      for (const message of waiting.splice(0)) hear(message);
    },
    gone,
  };
}

/** `2/4` */
function readProcess(text: string | undefined): SupervisorChannel['process'] {
  const [number, of] = (text ?? '').split('/').map(Number);
  return number === undefined || of === undefined ? undefined : { number, of };
}
