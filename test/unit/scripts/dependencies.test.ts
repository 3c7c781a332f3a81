import { describe, expect, test } from 'vitest';
import { licenceFaults, readAudit } from '../../../scripts/check/dependencies.ts';

describe('licences', () => {
  const one = (licence: string | undefined, dev = false) => licenceFaults([{ path: 'node_modules/x', dev, licence }]);

  test.each(['MIT', 'ISC', 'Apache-2.0', '(MIT OR GPL-3.0)', 'MIT OR CC0-1.0'])('%s may be shipped', (licence) => {
    expect(one(licence)).toEqual([]);
  });

  test.each(['GPL-3.0-only', 'AGPL-3.0', 'MPL-2.0', '(MIT AND GPL-2.0)', 'SEE LICENSE IN x'])(
    '%s may not',
    (licence) => {
      expect(one(licence)).toEqual([`node_modules/x is under ${licence}`]);
    },
  );

  test('a tool may be under more of them, and a package without one is a fault', () => {
    expect(one('MPL-2.0', true)).toEqual([]);
    expect(one('GPL-3.0-only', true)).toHaveLength(1);
    expect(one(undefined)).toEqual(['node_modules/x says nothing of its licence']);
  });
});

describe('an audit', () => {
  const answer = (high: number, critical: number) =>
    JSON.stringify({
      metadata: { vulnerabilities: { info: 0, low: 1, moderate: 2, high, critical, total: 3 + high + critical } },
    });

  test('fails for what is high or critical, and not for less', () => {
    const { said, isFault } = readAudit(answer(0, 0));
    expect(said).toContain('3 vulnerabilities');
    expect(isFault).toBe(false);
    expect(readAudit(answer(1, 0)).isFault).toBe(true);
    expect(readAudit(answer(0, 1)).isFault).toBe(true);
  });

  test.each(['', 'not json', '{}', '{"message":"404 Not Found"}'])(
    'that was not answered (%j) is no pass, and says so',
    (stdout) => {
      const { said, isFault } = readAudit(stdout);
      expect(said).toMatch(/^npm audit is unavailable, so nothing is known/);
      expect(isFault).toBe(false);
    },
  );
});
