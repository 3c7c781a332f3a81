// npm runs a script in the folder of the package, and tells in INIT_CWD where it was called itself: a relative path is meant from
// there, also with `npm --prefix`.
import { resolve } from 'node:path';

/** The arguments with the value of --config made absolute. */
export function withConfigOf(folder, args) {
  return args.map((argument, index) => {
    if (argument.startsWith('--config=')) return `--config=${resolve(folder, argument.slice('--config='.length))}`;
    return ['--config', '-c'].includes(args[index - 1]) ? resolve(folder, argument) : argument;
  });
}
