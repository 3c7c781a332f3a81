// The processes of a supervisor: the program that it is itself, called as it was called, in a process group of its own, so that
// a key press reaches the supervisor alone. Descriptors are not inherited but for the three standard ones.
import { spawn } from 'node:child_process';
import type { Child, ChildEvents, ChildRole } from './child.ts';

/** Says in the environment of a process that a supervisor runs it, and as what. */
export const roleVariable = 'PORTCULLIS_CHILD';

/** Says which one it is of how many that serve side by side, from 1 on: `2/4`. */
export const processVariable = 'PORTCULLIS_PROCESS';

/** What V8 is told in a process that serves (docs/decisions/0024-when-v8-optimises.md, 0025-what-a-call-leaves.md). */
export const servingFlags: readonly string[] = [
  '--invocation-count-for-turbofan=600',
  '--no-allocation-site-pretenuring',
];

export interface LaunchSettings {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Undefined: the only one. */
  readonly process?: { readonly number: number; readonly of: number } | undefined;
}

/**
 * Starts them with `servingFlags`, until a Node ends at once since it does not know these: another one may be installed where this one was found,
 * as long as this one runs. `onFlagsRefused`: the next ones are started without.
 */
export function childLauncher(
  settings: LaunchSettings,
  onFlagsRefused: () => void,
): (role: ChildRole, events: ChildEvents) => Child {
  let flags = servingFlags;
  return (role, events) =>
    launchChild(settings, flags, role, {
      onMessage: (message) => events.onMessage(message),
      onExit: (exit) => {
        if (exit.code === badOption && flags.length > 0) {
          flags = [];
          onFlagsRefused();
        }
        events.onExit(exit);
      },
    });
}

/** What Node says of an option that it does not know. */
const badOption = 9;

function launchChild(settings: LaunchSettings, flags: readonly string[], role: ChildRole, events: ChildEvents): Child {
  const { program, args, environment, process: place } = settings;
  // What this one was told comes last, and wins.
  const child = spawn(process.execPath, [...flags, ...process.execArgv, program, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: {
      ...environment,
      [roleVariable]: role,
      ...(place === undefined ? {} : { [processVariable]: `${place.number}/${place.of}` }),
    },
    detached: true,
  });
  let isOver = false;
  const over = (code: number | null, signal: NodeJS.Signals | null): void => {
    if (isOver) return;
    isOver = true;
    events.onExit({ code, signal });
  };
  child.on('message', (message: unknown) => events.onMessage(message));
  child.on('exit', over);
  // It could not be started, or not be told something, because it has just ended.
  child.on('error', () => {
    if (child.pid === undefined) over(startFailed, null);
  });
  return {
    pid: child.pid,
    send: (message) => {
      if (child.connected) child.send(message);
    },
    kill: (signal) => void child.kill(signal),
  };
}

/** What a shell says of a program that cannot be run. */
const startFailed = 126;
