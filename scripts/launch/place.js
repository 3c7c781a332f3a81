// Where the checkout is, and how a launcher speaks: on stderr, so that what the program prints stays clean.
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

export function say(line) {
  process.stderr.write(`portcullis: ${line}\n`);
}
