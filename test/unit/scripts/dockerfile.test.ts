import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { execForm, parseDockerfile } from '../../../scripts/image/dockerfile.ts';

describe('a Dockerfile', () => {
  test('is read into its stages, with lines that go on joined and comments between them left out', () => {
    const stages = parseDockerfile(
      '# head\nFROM a:1 AS build\nRUN one \\\n# not this\n && two\n\nFROM b\nCOPY --from=build /x /y ./\nCMD ["z", "1"]\n',
    );
    expect(stages.map(({ base, name }) => [base, name])).toEqual([
      ['a:1', 'build'],
      ['b', undefined],
    ]);
    expect(stages[0]?.instructions).toEqual([{ line: 3, name: 'RUN', flags: new Map(), text: 'one  && two' }]);
    expect(stages[1]?.instructions[0]).toEqual({
      line: 8,
      name: 'COPY',
      flags: new Map([['from', 'build']]),
      text: '/x /y ./',
    });
  });

  test.each([
    ['RUN x', 'before the first FROM'],
    ['FROM a\nADD x y', '"ADD" is not known here'],
    ['FROM a\nrun x', '"run" is not known here'],
    ['FROM a\nRUN x \\', 'goes on behind the end'],
    ['# nothing', 'no stage'],
  ])('with %j is refused', (source, why) => {
    expect(() => parseDockerfile(source)).toThrow(why);
  });

  test('gives a command as words, or for a shell', () => {
    expect(execForm('["a", "b c"]')).toEqual(['a', 'b c']);
    expect(execForm('a b')).toBeUndefined();
  });

  test('that is ours has steps in both stages, of which the last runs without root', () => {
    const stages = parseDockerfile(readFileSync('Dockerfile', 'utf8'));
    const of = (name: string) =>
      stages.map(({ instructions }) => instructions.filter((one) => one.name === name).length);
    expect(of('RUN').every((count) => count > 0)).toBe(true);
    expect(of('USER')).toEqual([0, 1]);
  });
});
