import { describe, expect, test } from 'vitest';
import {
  nodeBeside,
  portsOf,
  processConfig,
  processNumbers,
  processSocket,
  processStateDirectory,
  shareOf,
} from '../../../src/config/process-config.ts';
import { planReload } from '../../../src/config/reload-plan.ts';
import { scenarioConfig } from '../../support/scenario-config.ts';

const store = '[store]\nurl = "redis://10.0.0.7"\nkey_env = "SITE_KEY"\n';
const three = { sbc: 'processes = 3\nprocess_port = 6000', tables: store };

function mistakes(options: Parameters<typeof scenarioConfig>[0]): string {
  try {
    scenarioConfig(options);
    return '';
  } catch (thrown) {
    return String(thrown);
  }
}

describe('what each of several processes is run with', () => {
  test('is what the configuration says where there is one', () => {
    const config = scenarioConfig({});
    expect(processConfig(config, 1, 8)).toBe(config);
    expect(processNumbers(config)).toEqual([1]);
    expect(processStateDirectory(config, 1)).toBe('var');
  });

  test('has the outside listeners of all, and inside ones of its own', () => {
    const config = scenarioConfig(three);
    const listeners = processConfig(config, 3, 8).listener.map(
      ({ name, address }) => `${name} ${address.address}:${address.port}`,
    );
    expect(listeners).toEqual([
      'phones 192.0.2.1:5061',
      'carriers 192.0.2.1:5062',
      'to-pbx 10.0.0.10:5062',
      'processes 127.0.0.1:6002',
    ]);
  });

  test('is a node of its own, which the others are peers of on the loopback', () => {
    const { sbc, cluster, network } = processConfig(scenarioConfig(three), 2, 8);
    expect([sbc.name, sbc.state_dir, cluster.node]).toEqual(['edge1-2', 'var/process-2', 'edge1-2']);
    expect(cluster.peer).toEqual([
      { node: 'edge1-1', uri: 'sip:127.0.0.1:6000', accept_from: ['127.0.0.1'], listener: 'processes' },
      { node: 'edge1-3', uri: 'sip:127.0.0.1:6002', accept_from: ['127.0.0.1'], listener: 'processes' },
    ]);
    expect(network.at(-1)).toMatchObject({ name: 'processes', encryption: 'off', allow_loopback_media: true });
  });

  test('knows the nodes beside it by their numbers, and takes none of another machine for one', () => {
    const tables = `${store}[cluster]\nlistener = "to-pbx"\n[[cluster.peer]]\nnode = "right-4"\nuri = "sip:10.0.0.20:5060"\naccept_from = ["10.0.0.20"]\n`;
    const config = processConfig(scenarioConfig({ ...three, tables }), 2, 8);
    expect([1, 2, 3, 4].map((process) => nodeBeside(config, process))).toEqual([
      'edge1-1',
      undefined,
      'edge1-3',
      undefined,
    ]);
  });

  test('keeps the nodes of other machines, and their listener', () => {
    const tables = `${store}[cluster]\nnode = "left"\nlistener = "to-pbx"\n[[cluster.peer]]\nnode = "right-1"\nuri = "sip:10.0.0.20:5060"\naccept_from = ["10.0.0.20"]\n`;
    const { cluster } = processConfig(scenarioConfig({ ...three, tables }), 1, 8);
    expect(cluster.node).toBe('left-1');
    expect(cluster.peer.map(({ node, listener }) => [node, listener])).toEqual([
      ['right-1', undefined],
      ['left-2', 'processes'],
      ['left-3', 'processes'],
    ]);
  });

  test('has its share of media ports, media workers, calls and what is kept for emergency calls', () => {
    const options = {
      ...three,
      limits: 'total_calls = 100',
      tables: `${store}[media]\nports = "20001-20100"\n[emergency]\nreserve_calls = 4\n`,
    };
    const configs = [1, 2, 3].map((process) => processConfig(scenarioConfig(options), process, 9));
    expect(configs.map(({ media }) => media.ports)).toEqual([
      { first: 20_002, last: 20_033 },
      { first: 20_034, last: 20_065 },
      { first: 20_066, last: 20_097 },
    ]);
    expect(configs.map(({ media }) => media.workers)).toEqual([2, 2, 2]);
    expect(configs.map(({ limits }) => limits.total_calls)).toEqual([34, 33, 33]);
    expect(configs.map(({ emergency }) => emergency.reserve_calls)).toEqual([2, 1, 1]);
  });

  test('has a socket and probes of its own, and the first the dashboard of all', () => {
    const tables = `${store}[admin]\naddress = "10.0.0.10:8080"\n[admin.web]\naddress = "127.0.0.1:8090"\n`;
    const config = scenarioConfig({ ...three, tables });
    const { admin } = processConfig(config, 2, 8);
    expect(admin).toMatchObject({
      socket: 'var/admin-2.sock',
      address: { address: '10.0.0.10', port: 8_081 },
      web: undefined,
    });
    expect(processConfig(config, 1, 8).admin).toMatchObject({
      address: { port: 8_080 },
      web: { address: { address: '127.0.0.1', port: 8_090 } },
    });
    expect([1, 3].map((process) => processSocket(config, process))).toEqual(['var/admin.sock', 'var/admin-3.sock']);
    expect(processSocket({ admin: { socket: '/run/pc/socket' } }, 2)).toBe('/run/pc/socket-2');
  });

  test('can be reloaded where it could be as one, and not to another number of processes', () => {
    const before = processConfig(scenarioConfig({ ...three, limits: 'total_calls = 10' }), 2, 8);
    expect(planReload(before, processConfig(scenarioConfig({ ...three, limits: 'total_calls = 20' }), 2, 8))).toEqual({
      ok: true,
      value: ['limits'],
    });
    const fewer = scenarioConfig({ sbc: 'processes = 2\nprocess_port = 6000', tables: store });
    expect(planReload(before, processConfig(fewer, 2, 8)).ok).toBe(false);
  });

  test.each([1, 2, 3, 7, 32])('shares add up to what is shared among %i', (processes) => {
    const all = Array.from({ length: processes }, (_, index) => index + 1);
    for (const total of [processes, 100, 101, 4_095]) {
      expect(all.reduce((sum, process) => sum + shareOf(total, process, processes), 0)).toBe(total);
    }
    const ports = all.map((process) => portsOf({ first: 20_000, last: 39_999 }, process, processes));
    for (const [index, { first, last }] of ports.entries()) {
      expect(first % 2).toBe(0);
      expect(first).toBe(index === 0 ? 20_000 : (ports[index - 1]?.last ?? 0) + 1);
      expect(last).toBeLessThanOrEqual(39_999);
    }
  });
});

describe('a configuration with several processes', () => {
  test('may be as it is with one, over a store', () => {
    expect(mistakes(three)).toBe('');
    expect(mistakes({ sbc: 'processes = 1\nprocess_port = 6000' })).toBe('');
  });

  test.each([
    ['no store', { sbc: 'processes = 2' }, 'in a store that they share: [store] has no url'],
    ['no processes', { sbc: 'processes = 0', tables: store }, 'sbc.processes'],
    ['too many', { sbc: 'processes = 33', tables: store }, 'sbc.processes'],
    [
      'too few media ports',
      { ...three, tables: `${store}[media]\nports = "20000-20009"\n` },
      'media.ports have no room for 3 processes',
    ],
    ['fewer calls than processes', { ...three, limits: 'total_calls = 2' }, 'limits.total_calls is divided among 3'],
    [
      'a network with their name',
      { ...three, tables: `${store}[[network]]\nname = "processes"\nmedia = [{ address = "10.0.0.11" }]\n` },
      'network[2].name: "processes" is what the processes',
    ],
    [
      'a port of the link that a listener has',
      { sbc: 'processes = 2\nprocess_port = 6000', tables: `${store}[admin]\naddress = "127.0.0.1:6001"\n` },
      'admin.address of process 1 and the link (sbc.process_port) of process 2 both need TCP 127.0.0.1:6001',
    ],
    [
      'a port after an inside one that another listener has',
      {
        ...three,
        tables: `${store}[[listener]]\nname = "more"\nnetwork = "inside"\ntransport = "udp"\naddress = "0.0.0.0:5062"\nadvertise = "10.0.0.10:5062"\n`,
      },
      'listener "more" and listener "to-pbx" of process 3 both need UDP 10.0.0.10:5062',
    ],
  ])('must not have %s', (_what, options, message) => {
    expect(mistakes(options)).toContain(message);
  });

  test('names a listener for a node of another machine that is there', () => {
    const peer =
      '[[cluster.peer]]\nnode = "b"\nuri = "sip:10.0.0.20"\naccept_from = ["10.0.0.20"]\nlistener = "nowhere"\n';
    expect(mistakes({ tables: `${store}[cluster]\nnode = "a"\n${peer}` })).toContain(
      'cluster.peer[0].listener: there is no listener "nowhere"',
    );
  });
});
