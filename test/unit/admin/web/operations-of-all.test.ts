import { describe, expect, test } from 'vitest';
import { usualCallQuery } from '../../../../src/admin/overview.ts';
import { ProcessesClient } from '../../../../src/admin/processes-client.ts';
import { operationsOfAll } from '../../../../src/admin/web/operations-of-all.ts';
import { hang, serve, temporarySocket } from '../admin-fixture.ts';
import { overviewView } from '../overview-fixture.ts';
import { WebSite } from './web-fixture.ts';

const call = { id: 'c2', state: 'connected', caller: 'bob@pbx.test', dialled: '600', startedAt: 1 };
const running = { ...call, callee: undefined, answeredAt: undefined };

async function twoProcesses(): Promise<{ readonly done: string[]; readonly client: ProcessesClient }> {
  const done: string[] = [];
  const first = await serve({ overview: () => Promise.resolve(overviewView({ node: 'edge-1' })), alerts: () => [] });
  const second = await serve({
    overview: () => Promise.resolve(overviewView({ node: 'edge-2', matching: 1, list: [running] })),
    call: (id) => Promise.resolve(id === 'c2' ? { call: running, media: [] } : undefined),
    trace: (name, form) => Promise.resolve(name === 'c2' ? Buffer.from(form) : undefined),
    endCall: (id, by) => id === 'c2' && done.push(`end ${id} by ${by}`) > 0,
  });
  return { done, client: new ProcessesClient([first.socket, second.socket]) };
}

describe('the dashboard of several processes', () => {
  test('shows the calls of all, and ends one where it is, in the name of who is signed in', async () => {
    const { done, client } = await twoProcesses();
    const site = await WebSite.open(operationsOfAll(client));
    const carol = await site.signedIn();
    const overview = await carol.get('/api/overview');
    expect(overview.json()).toMatchObject({ node: 'edge', list: [{ id: 'c2' }], processes: [{}, { node: 'edge-2' }] });
    expect((await carol.get('/api/calls/c2')).json()).toMatchObject({ call: { caller: 'bob@pbx.test' } });
    expect((await carol.get('/api/calls/c2/ladder')).text).toBe('steps');
    expect((await carol.get('/api/calls/c9')).status).toBe(404);
    expect((await carol.get('/api/calls/c9/ladder')).status).toBe(404);
    expect((await carol.post('/api/calls/c2/end')).status).toBe(200);
    expect((await carol.post('/api/calls/c9/end')).status).toBe(404);
    expect((await carol.post('/api/bans/192.0.2.7/lift')).status).toBe(404);
    expect(done).toEqual(['end c2 by web:carol']);
    for (const path of ['/api/recent', '/api/alerts', '/api/bans', '/api/registrations']) {
      expect((await carol.get(path)).status).toBe(200);
    }
  });

  test('does not say that a call is over while the process hangs that may have it', async () => {
    const { socket } = await serve({});
    const site = await WebSite.open(operationsOfAll(new ProcessesClient([socket, await hang()], () => {}, 50)));
    const carol = await site.signedIn();
    const reply = await carol.post('/api/calls/c1/end');
    expect(reply.status).toBe(504);
    expect(reply.text).toContain('a process does not answer, and may have what was asked for');
    expect((await carol.get('/api/calls/c1')).status).toBe(504);
  });

  test('fails where nobody answers, and is no list of nothing', async () => {
    const operations = operationsOfAll(new ProcessesClient([temporarySocket(), temporarySocket()]));
    await expect(operations.overview(usualCallQuery)).rejects.toThrow('not running');
    await expect(operations.call('c2')).rejects.toThrow('not running');
    const site = await WebSite.open(operations);
    expect((await (await site.signedIn()).get('/api/bans')).status).toBe(500);
  });
});
