// Setup file of every test. In the bundle private fields are plain ones (scripts/package/plain-fields.ts), so that whoever copies, writes or sends
// all fields of such an object would get them too. Here each of these objects has one field more (vitest.config.ts), and whoever reads it fails.
import { afterEach, expect } from 'vitest';

/** Who read all fields of such an object, in this test. */
export const reads: string[] = [];

Object.defineProperty(globalThis, 'trapFields', {
  configurable: true,
  value: (object: object): void => {
    Object.defineProperty(object, '$private', { enumerable: true, get: fail });
  },
});

// Whoever reads it may swallow what it throws.
afterEach(() => {
  expect(reads.splice(0)).toEqual([]);
});

function fail(this: object): undefined {
  const error = new Error(`all fields of a ${this.constructor.name} are read`);
  // A test may compare and print what it likes.
  const [, , ...readers] = (error.stack ?? '').split('\n');
  if (/node_modules\/(@?vitest|chai|fast-check)\b/.test(readers.find((frame) => frame.includes('/')) ?? ''))
    return undefined;
  reads.push(error.stack ?? error.message);
  throw error;
}
