import { chmodSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema.ts';
import { configFindings } from '../../../src/observe/doctor/config-findings.ts';
import { operationsOf, serve } from '../admin/admin-fixture.ts';
import { Cli, smallConfig } from './cli-fixture.ts';

function configOf(text: string): Config {
  const cli = new Cli(text);
  const loaded = loadConfig(cli.path('portcullis.toml'));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  return loaded.value;
}

const roomy = { descriptors: 1_000_000, ioUringDisabled: 0 };

function found(
  more: string,
  facts: Parameters<typeof configFindings>[1] = roomy,
  base = smallConfig,
): readonly string[] {
  return configFindings(configOf(`${base}${more}`), facts).map(({ id, severity }) => `${severity} ${id}`);
}

const trunk = `
[[network]]
name = "carriers"
media = [{ address = "127.0.0.1" }]
encryption = "off"
[[listener]]
name = "carriers"
network = "carriers"
transport = "udp"
address = "127.0.0.1:0"
[[trunk]]
name = "carrier"
listener = "carriers"
uri = "sip:carrier.example"
`;

describe('a weak configuration', () => {
  test('offers MD5, tells nobody, and looks for no fraud', () => {
    expect(found('')).toEqual(['info md5 phones', 'warning no-fraud-detection', 'info no-receiver']);
  });

  test('offers no MD5 where its domains do not, whatever the listener has', () => {
    const modern = smallConfig.replaceAll('[[domain]]\n', '[[domain]]\nalgorithms = ["SHA-256"]\n');
    expect(found('', roomy, modern)).not.toContain('info md5 phones');
    expect(found('[[domain]]\nname = "b.test"\n', roomy, modern)).toContain('info md5 phones');
  });

  test('has a listener outside without TLS, a trunk without cap, and nothing that bounds spending', () => {
    const findings = found(trunk);
    expect(findings).toContain('warning plain carriers');
    expect(findings).toContain('info no-cap carrier');
    expect(findings).toContain('warning no-spend-limit');
  });

  test.each([
    '[[limit]]\nname = "day"\nminutes_per_day = 60\n',
    '[fraud]\nmode = "active"\n',
    '[fraud]\nmode = "active"\n[[fraud.rule]]\nname = "s"\nkind = "spend"\nact = 5\n',
  ])('spending is bound by %s', (more) => {
    expect(found(`${trunk}${more}`)).not.toContain('warning no-spend-limit');
  });

  test('in shadow nothing is bound', () => {
    expect(found(`${trunk}[fraud]\nmode = "shadow"\n`)).toContain('warning no-spend-limit');
  });

  test('bans nobody', () => {
    expect(found('[bans]\nenabled = false\n')).toContain('warning no-bans');
  });
});

describe('what the machine cannot carry', () => {
  test.each([
    ['[limits]\ntotal_calls = 5000\n', roomy, []],
    ['[limits]\ntotal_calls = 5001\n', roomy, ['warning ports']],
    ['', { descriptors: 1_024, ioUringDisabled: 0 }, ['warning descriptors']],
    ['', { descriptors: undefined, ioUringDisabled: undefined }, []],
    ['', { descriptors: 1_000_000, ioUringDisabled: 2 }, ['info io-uring']],
    ['[media]\ndriver = "io_uring"\n', { descriptors: 1_000_000, ioUringDisabled: 1 }, ['critical io-uring']],
    ['[media]\ndriver = "epoll"\n', { descriptors: 1_000_000, ioUringDisabled: 2 }, []],
  ])('%j on %j', (more, facts, findings) => {
    const usual = found('');
    expect(found(more, facts).filter((one) => !usual.includes(one))).toEqual(findings);
  });
});

const order = ['critical', 'warning', 'info'];

describe('portcullis doctor', () => {
  test('lists what it found with a remedy for each, the worst first, and says so by its exit code', async () => {
    const cli = new Cli(smallConfig);
    cli.write('edge.key', 'x');
    chmodSync(cli.path('edge.key'), 0o644);
    expect(await cli.run('doctor', '--root', 'nowhere')).toBe(1);
    expect(cli.out).toMatch(/^critical {2}\S*edge\.key may be used by everyone \(mode 644\) +chmod 600 /m);
    // A password stands in it.
    expect(cli.out).toMatch(/^critical {2}\S*portcullis\.toml may be used by everyone/m);
    const severities = cli.out
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(' ')[0]);
    expect(severities).toEqual([...severities].sort((a = '', b = '') => order.indexOf(a) - order.indexOf(b)));
    await cli.run('doctor', '--json', '--root', 'nowhere');
    const shape = z.object({ findings: z.array(z.object({ id: z.string(), remedy: z.string() })) });
    const { findings } = shape.parse(cli.json());
    expect(findings.map(({ id }) => id)).toContain('no-fraud-detection');
    expect(findings.every(({ remedy }) => remedy !== '')).toBe(true);
    chmodSync(cli.path('edge.key'), 0o600);
    await cli.run('doctor', '--root', 'nowhere');
    expect(cli.out).not.toContain('edge.key');
  });

  test('judges the process that runs, not the shell that it is asked in', async () => {
    const cli = new Cli(smallConfig);
    await cli.run('doctor');
    expect(cli.error).toBe('it does not run: its user and its limits were not looked at\n');
    expect(cli.out).not.toMatch(/runs as root|open files/);
    const { status } = operationsOf();
    await serve({ status: () => ({ ...status(), uid: 0, descriptors: 1_000 }) }, cli.path('admin.sock'));
    await cli.run('doctor');
    expect(cli.error).toBe('');
    expect(cli.out).toMatch(/^warning +this runs as root/m);
    expect(cli.out).toMatch(/^warning +1000 open files carry/m);
  });
});
