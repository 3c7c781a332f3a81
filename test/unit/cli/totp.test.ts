import { expect, test } from 'vitest';
import { codeAt } from '../../../src/policy/totp.ts';
import { serve } from '../admin/admin-fixture.ts';
import { Cli, smallConfig } from './cli-fixture.ts';

/** The secret in an otpauth address (RFC 4648 §6). */
function secretOf(text: string): Uint8Array {
  const digits = /secret=([A-Z2-7]+)/.exec(text)?.[1] ?? '';
  const bits = [...digits].map((one) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(one).toString(2).padStart(5, '0'));
  return Uint8Array.from((bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

test('an administrator is added, tried, locked, unlocked and removed, and the audit log has each', async () => {
  const cli = new Cli(smallConfig);
  expect(await cli.run('admin', 'add', 'carol', '--generate')).toBe(0);
  const [, password = ''] = /password: (.*)\n/.exec(cli.out) ?? [];
  const secret = secretOf(cli.out);
  const code = (): string => codeAt(secret, Math.floor(cli.clock.wall() / 30_000));
  cli.typed.push(password, code());
  expect(await cli.run('admin', 'test', 'carol')).toBe(0);
  expect(cli.out).toBe('signed-in\n');
  cli.typed.push(password, code());
  expect(await cli.run('admin', 'test', 'carol')).toBe(1);
  expect(cli.out).toBe('wrong-code\n');
  expect(await cli.run('admin', 'list', '--json')).toBe(0);
  expect(cli.json()).toMatchObject({ admins: [{ name: 'carol', failures: 1 }] });
  expect(await cli.run('admin', 'unlock', 'carol')).toBe(0);
  expect(await cli.run('admin', 'remove', 'carol')).toBe(0);
  expect(await cli.run('admin', 'remove', 'carol')).toBe(1);
  expect(await cli.run('admin', 'add', 'no good name')).toBe(2);
  expect(await cli.run('audit', 'log')).toBe(0);
  for (const action of ['admin add', 'admin sign-in', 'admin unlock', 'admin remove'])
    expect(cli.out).toContain(action);
  expect(cli.out).not.toContain(password);
});

test('a viewer is one, in the list and in the log', async () => {
  const cli = new Cli(smallConfig);
  expect(await cli.run('admin', 'add', 'dave', '--generate', '--role', 'viewer')).toBe(0);
  expect(await cli.run('admin', 'add', 'carol', '--generate')).toBe(0);
  expect(await cli.run('admin', 'add', 'erin', '--generate', '--role', 'owner')).toBe(2);
  expect(await cli.run('admin', 'list', '--json')).toBe(0);
  expect(cli.json()).toMatchObject({
    admins: [
      { name: 'carol', role: 'admin' },
      { name: 'dave', role: 'viewer' },
    ],
  });
  expect(await cli.run('audit', 'log')).toBe(0);
  expect(cli.out).toMatch(/admin add +dave +viewer/);
});

test('a user gets one-time codes and loses them', async () => {
  const cli = new Cli(smallConfig);
  expect(await cli.run('user', 'totp', 'enrol', 'configured')).toBe(0);
  expect(cli.out).toMatch(/^otpauth:\/\/totp\/Portcullis:configured%40pbx\.test\?secret=[A-Z2-7]{32}&/);
  expect(await cli.run('user', 'totp', 'remove', 'configured')).toBe(0);
  expect(await cli.run('user', 'totp', 'remove', 'configured')).toBe(1);
});

test('a device is approved by a code of its user, and the log never has the code', async () => {
  const device = {
    id: '3f2a8c51d0e94b77',
    aor: 'alice@pbx.test',
    description: 'Phone/1',
    state: 'approved',
    source: '198.51.100.7',
    firstAt: 0,
    decidedAt: 0,
    decidedBy: 'alice@pbx.test',
  } as const;
  const logged: string[] = [];
  const log = (event: string, fields?: object): void => void logged.push(`${event} ${JSON.stringify(fields)}`);
  const logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
  const approveDevice = (_id: string, code: string): typeof device | string => (code === '123456' ? device : 'wrong');
  const { socket } = await serve({ approveDevice }, undefined, logger);
  const cli = new Cli(smallConfig);
  expect(await cli.run('devices', 'approve', device.id, '--code', '123456', '--socket', socket)).toBe(0);
  expect(await cli.run('devices', 'approve', device.id, '--code', '654321', '--socket', socket)).toBe(1);
  expect(cli.error).toContain('the code was not taken: wrong');
  expect(logged.join('\n')).toContain(device.id);
  expect(logged.join('\n')).not.toMatch(/123456|654321/);
});
