import { expect, test } from 'vitest';
import type { Hold } from '../../../src/policy/fraud/holds.ts';
import { ask, serve } from '../admin/admin-fixture.ts';
import { Cli, smallConfig } from './cli-fixture.ts';

const subject = 'user:alice@pbx.test';

test('what fraud detection holds is listed, and lifted, over the admin socket', async () => {
  const cli = new Cli(smallConfig);
  const now = cli.clock.wall();
  const refused: Hold = {
    action: 'refuse',
    subject,
    of: 'international',
    rule: 'foreign-calls',
    since: now,
    until: now + 600_000,
  };
  const lock: Hold = {
    action: 'lock',
    subject,
    of: undefined,
    rule: 'registration-places',
    since: now - 60_000,
    until: undefined,
  };
  const lifted: string[] = [];
  await serve(
    {
      fraudHolds: () => [refused, { ...refused, of: undefined, rule: 'spend' }, lock],
      liftFraud: (asked) => (asked === subject ? lifted.push(asked) : 0),
    },
    cli.path('admin.sock'),
  );
  expect(await cli.run('fraud', 'list')).toBe(0);
  const lines = cli.out
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  expect(lines[0]).toEqual(['WHO', 'WHAT', 'RULE', 'SINCE', 'ENDS IN']);
  expect(lines[1]?.slice(0, 3)).toEqual([subject, 'international calls refused', 'foreign-calls']);
  expect(lines[2]?.slice(0, 3)).toEqual([subject, 'all calls refused', 'spend']);
  expect(lines[3]?.slice(0, 3)).toEqual([subject, 'locked', 'registration-places']);
  expect(lines[3]?.at(-1)).toBe('-');
  await cli.run('fraud', 'list', '--json');
  expect(cli.json()).toMatchObject({
    holds: [{ subject, action: 'refuse', of: 'international' }, {}, { action: 'lock' }],
  });
  expect(await cli.run('fraud', 'lift', subject)).toBe(0);
  expect(lifted).toEqual([subject]);
  expect(await cli.run('fraud', 'lift', 'alice')).toBe(1);
  expect(cli.error).toContain('nothing is held against alice');
});

test('the address for probes and metrics tells nothing of it', async () => {
  const { port } = await serve({ liftFraud: () => 1 });
  expect((await ask({ port }, '/fraud')).status).toBe(404);
  expect((await ask({ port }, `/fraud/${encodeURIComponent(subject)}`, { method: 'DELETE' })).status).toBe(404);
});
