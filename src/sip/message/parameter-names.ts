// Parameter names in lower case. The usual ones are found in place, so that no string is made and hashed for them.
import { isAt } from './characters.ts';
import type { Source } from './source.ts';

const usual: readonly string[] = [
  'alias',
  'branch',
  'expires',
  'lr',
  'maddr',
  'method',
  'ob',
  'q',
  'received',
  'reg-id',
  'rport',
  'tag',
  'transport',
  'ttl',
  'user',
];

interface UsualName {
  readonly name: string;
  readonly codes: Buffer;
}

/** The usual names by the low bits of their first letter. */
const byFirst: readonly (readonly UsualName[])[] = Array.from({ length: 32 }, (_, low) =>
  usual.filter((name) => (name.charCodeAt(0) & 31) === low).map((name) => ({ name, codes: Buffer.from(name) })),
);

/** The name in [start, end), in lower case. */
export function parameterName({ text, codes }: Source, start: number, end: number): string {
  const candidates = byFirst[(codes[start] ?? 0) & 31];
  if (candidates !== undefined) {
    for (let index = 0; index < candidates.length; index += 1) {
      const usualName = candidates[index];
      if (usualName?.codes.length === end - start && isAt(usualName.codes, codes, start, end)) return usualName.name;
    }
  }
  return text.slice(start, end).toLowerCase();
}
