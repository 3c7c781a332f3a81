import { expect, test } from 'vitest';
import { ask, serve } from '../admin/admin-fixture.ts';
import { Cli, smallConfig } from './cli-fixture.ts';

const device = {
  id: '3f2a8c51d0e94b77',
  aor: 'alice@pbx.test',
  description: 'Phone/1, 198.51.100.0/24',
  state: 'pending',
  source: '198.51.100.7',
  firstAt: 0,
  decidedAt: 0,
  decidedBy: '',
} as const;

test('devices are listed, approved, denied, forgotten and learned over the admin socket', async () => {
  const asked: string[] = [];
  const { socket } = await serve({
    devices: () => [device],
    decideDevice: (id, state) => {
      asked.push(`${state} ${id}`);
      return id === device.id ? { ...device, state } : undefined;
    },
    forgetDevice: (id) => {
      asked.push(`forget ${id}`);
      return device;
    },
    learnDevices: () => Promise.resolve([device, device]),
  });
  const cli = new Cli(smallConfig);
  const run = (...args: string[]): Promise<number> => cli.run(...args, '--socket', socket);
  expect(await run('devices')).toBe(0);
  expect(cli.out).toMatch(/3f2a8c51d0e94b77 +alice@pbx\.test +pending .* 198\.51\.100\.7 +- +Phone\/1/);
  expect(await run('devices', 'approve', device.id)).toBe(0);
  expect(cli.out).toContain('approved 3f2a8c51d0e94b77 of alice@pbx.test');
  expect(await run('devices', 'deny', device.id)).toBe(0);
  expect(await run('devices', 'forget', device.id)).toBe(0);
  expect(asked).toEqual([`approved ${device.id}`, `denied ${device.id}`, `forget ${device.id}`]);
  expect(await run('devices', 'approve', 'x')).toBe(1);
  expect(cli.error).toContain('there is no device x');
  expect(await run('devices', 'learn')).toBe(0);
  expect(cli.out).toContain('approved 2');
});

test('the address for probes and metrics knows no devices, and the socket takes only the two decisions', async () => {
  const { port, socket } = await serve({ devices: () => [device] });
  for (const method of ['GET', 'POST']) expect((await ask({ port }, '/devices', { method })).status).toBe(404);
  expect((await ask({ port }, `/devices/${device.id}?state=approved`, { method: 'PUT' })).status).toBe(404);
  const wrong = await ask({ socketPath: socket }, `/devices/${device.id}?state=pending`, { method: 'PUT' });
  expect(wrong.status).toBe(400);
});
