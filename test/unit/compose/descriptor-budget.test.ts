// Media must not take the descriptors that signalling needs.
import { describe, expect, test } from 'vitest';
import { mediaSocketsFor, mostMediaSockets } from '../../../src/compose/descriptor-budget.ts';

describe('media sockets', () => {
  test.each([
    [1_024, 768],
    [20_000, 15_000],
    [1_048_576, mostMediaSockets],
    [Number.POSITIVE_INFINITY, mostMediaSockets],
    [undefined, mostMediaSockets],
    [1, 2],
  ])('of a limit of %s descriptors are %i', (limit, sockets) => {
    expect(mediaSocketsFor(limit)).toBe(sockets);
  });
});
