import { describe, expect, test } from 'vitest';
import { ProcessOf } from '../../../src/compose/process-of.ts';
import { scenarioConfig } from '../../support/scenario-config.ts';

const store = '[store]\nurl = "redis://10.0.0.7"\nkey_env = "SITE_KEY"\n';
const two = scenarioConfig({ sbc: 'processes = 2', tables: store });

describe('a process', () => {
  test('that is one of several has its place among them, and its part of the configuration', () => {
    const process = new ProcessOf(two, '/etc/pc/portcullis.toml', { number: 2, of: 2 });
    expect(process.accounts).toBe('/etc/pc/var');
    expect(process.configOf(two).cluster.node).toBe('edge1-2');
    expect(process.placeOf('run')).toEqual({
      process: 2,
      processes: 2,
      run: 'run',
      folder: '/etc/pc/var',
      nodes: new Map([
        ['edge1-1', 1],
        ['edge1-2', 2],
      ]),
    });
  });

  test('that is the first of several knows where operators reach all of them', () => {
    const file = '/etc/pc/portcullis.toml';
    const sockets = ['/etc/pc/var/admin.sock', '/etc/pc/var/admin-2.sock'];
    expect(new ProcessOf(two, file, { number: 1, of: 2 }).sockets).toEqual(sockets);
    expect(new ProcessOf(two, file, { number: 2, of: 2 }).sockets).toBeUndefined();
    expect(new ProcessOf(scenarioConfig({}), file, undefined).sockets).toBeUndefined();
  });

  test('that is the only one has all of it', () => {
    const config = scenarioConfig({});
    const process = new ProcessOf(config, '/etc/pc/portcullis.toml', undefined);
    expect(process.configOf(config)).toBe(config);
    expect(process.placeOf('run')).toBeUndefined();
  });

  test.each([
    ['several, started as one', two, undefined],
    ['one, started as one of several', scenarioConfig({}), { number: 2, of: 2 }],
    ['two, started as one of three', two, { number: 1, of: 3 }],
  ])('does not start where the configuration says %s', (_what, config, place) => {
    expect(() => new ProcessOf(config, '/etc/pc/portcullis.toml', place)).toThrow('restart it');
  });
});
