import { expect, test } from 'vitest';
import { openState } from '../../../src/store/sqlite/state.ts';
import { SeededRandom } from '../../support/fake-time.ts';
import { Cli, smallConfig } from './cli-fixture.ts';

async function cliWith(...texts: readonly string[]): Promise<Cli> {
  const cli = new Cli(smallConfig);
  const state = openState(cli.path('state'), { clock: cli.clock, random: new SeededRandom() });
  for (const [index, text] of texts.entries()) {
    const at = cli.clock.wall();
    const notice = { v: 1, id: `id${index}`, node: 'edge1', kind: 'records-lost', severity: 'critical' } as const;
    state.alerts.keep({ ...notice, subject: 's', text, firstAt: at, lastAt: at, count: index + 1 });
    cli.clock.move(3_600_000);
  }
  state.close();
  return cli;
}

test('alerts are listed, the newest first, as far back as asked', async () => {
  const cli = await cliWith('an old one', 'a new one');
  expect(await cli.run('alerts')).toBe(0);
  expect(cli.out.split('\n').slice(1, 3).join('\n')).toMatch(/critical +2 +a new one\n.*critical +1 +an old one/);
  await cli.run('alerts', '--since', '90m', '--json');
  expect(cli.json()).toMatchObject({ alerts: [{ text: 'a new one', count: 2 }] });
});

test('nothing is said to be nothing, and a time that is none is refused', async () => {
  const cli = await cliWith();
  expect(await cli.run('alerts')).toBe(0);
  expect(cli.out).toBe('no alerts\n');
  expect(await cli.run('alerts', '--since', 'yesterday')).toBe(2);
});
