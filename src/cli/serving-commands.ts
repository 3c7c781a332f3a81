// The commands that serve: they are there before the others are loaded.
import type { Command } from './command.ts';
import { run } from './run.ts';
import { start } from './start.ts';

export const servingCommands: readonly Command[] = [start, run];
