import { describe, expect, test } from 'vitest';
import type { RouteTestAnswer } from '../../../src/admin/admin-client-answers.ts';
import { ok } from '../../../src/core/result.ts';
import { serve } from '../admin/admin-fixture.ts';
import { Cli, smallConfig } from './cli-fixture.ts';

const answer: RouteTestAnswer = {
  from: 'configured@pbx.test',
  to: '600',
  listener: 'phones',
  trace: [{ rule: 'route 1', answer: 'pbx:main' }],
  stages: [
    [
      {
        target: 'pbx:main',
        requestUri: 'sip:600@10.0.0.5:5060',
        from: '<sip:configured@pbx.test>',
        to: '<sip:600@pbx.test>',
        assertedIdentity: '<sip:configured@pbx.test>',
        nextHop: 'udp 10.0.0.5:5060 from to-pbx',
      },
    ],
  ],
};

describe('portcullis route-test', () => {
  test('asks the configuration where nothing runs, and says so', async () => {
    const cli = new Cli(smallConfig);
    cli.routeTest = ({ query }) => Promise.resolve({ ...answer, to: query.to });
    expect(await cli.run('route-test', '--from', 'configured', '--to', '600')).toBe(0);
    expect(cli.out).toBe(`by the configuration alone; registrations are not known
route 1: pbx:main

first pbx:main, over udp 10.0.0.5:5060 from to-pbx
  INVITE sip:600@10.0.0.5:5060
  From: <sip:configured@pbx.test>
  To: <sip:600@pbx.test>
  P-Asserted-Identity: <sip:configured@pbx.test>
`);
  });

  test('asks the running SBC, and prints JSON', async () => {
    const cli = new Cli(smallConfig);
    const refusal = { code: 'no-route', status: 404, text: 'No route', detail: 'no route from user to 600' } as const;
    const asked: unknown[] = [];
    const { socket } = await serve({
      routeTest: (query) => {
        asked.push(query);
        return Promise.resolve(ok({ ...answer, stages: [], refusal }));
      },
    });
    const args = [
      '--from',
      'configured',
      '--to',
      '+44 1',
      '--caller',
      '100',
      '--at',
      '2026-12-24T23:00',
      '--socket',
      socket,
    ];
    expect(await cli.run('route-test', ...args, '--json')).toBe(1);
    expect(cli.json()).toMatchObject({ offline: false, refusal: { code: 'no-route' }, stages: [] });
    expect(asked).toEqual([
      { from: 'configured', to: '+44 1', caller: '100', listener: undefined, at: Date.UTC(2026, 11, 24, 23) },
    ]);
  });

  test('asks the file when told to, whatever runs', async () => {
    const cli = new Cli(smallConfig);
    cli.routeTest = () => Promise.resolve(answer);
    const { socket } = await serve();
    expect(await cli.run('route-test', '--from', 'a', '--to', '6', '--socket', socket, '--offline')).toBe(0);
    expect(await cli.run('route-test', '--from', 'a', '--to', '6', '--socket', socket)).toBe(1);
    expect(cli.error).toContain('there is no such user');
  });

  test('needs to know who calls whom', async () => {
    const cli = new Cli(smallConfig);
    expect(await cli.run('route-test', '--from', 'a')).toBe(2);
    expect(cli.error).toContain('needs --from and --to');
  });
});
