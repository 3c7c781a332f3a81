// What a case is: a module of cases/ that exports `name` and `run`. It gets a lab of its own and throws when it fails.
import { rm } from 'node:fs/promises';
import type { Peers } from './peers/install.ts';
import { Lab } from './peers/lab.ts';

export interface CaseContext {
  readonly lab: Lab;
  /** Registers what must be stopped at the end of the case, in reverse order, whatever happens. */
  defer(stop: () => unknown): void;
  /** A line for the reader of the report: what was measured. */
  note(line: string): void;
}

export interface Case {
  /** Unique, kebab-case: what is shown. */
  readonly name: string;
  /** Default 60 s. */
  readonly limitMs?: number | undefined;
  /** Programs of the machine itself that it starts. */
  readonly needs?: readonly string[] | undefined;
  /** Proves the harness and its peers, without the SBC. */
  readonly selfTest?: boolean | undefined;
  run(context: CaseContext): Promise<void>;
}

/** Runs one case in the lab that this process is in. */
export async function runCase(one: Case, peers: Peers, note: (line: string) => void): Promise<void> {
  const lab = await Lab.open(peers);
  const stops: (() => unknown)[] = [];
  try {
    await one.run({ lab, defer: (stop) => stops.push(stop), note });
  } finally {
    for (const stop of stops.reverse()) await stop();
    lab.close();
  }
}

export async function removeWorkDir(workDir: string): Promise<void> {
  await rm(workDir, { recursive: true, force: true });
}

/** Fails the case with `message` unless `condition` holds. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}
