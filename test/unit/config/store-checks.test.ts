import { describe, expect, test } from 'vitest';
import { scenarioConfig } from '../../support/scenario-config.ts';

function mistakes(tables: string): string {
  try {
    scenarioConfig({ tables });
    return '';
  } catch (thrown) {
    return String(thrown);
  }
}

const url = 'url = "redis://10.0.0.7"\nkey_env = "SITE_KEY"\n';

describe('the shared store', () => {
  test.each([
    ['a server', `[store]\n${url}`],
    [
      'TLS, a user and a database',
      '[store]\nurl = "rediss://redis.example.com:6380/2"\nkey_env = "K"\nca = "ca.pem"\nusername = "sbc"\npassword_env = "P"',
    ],
    [
      'sentinels',
      `[store]\n${url}sentinels = ["10.0.0.8:26379", "sentinel.example.com:26379"]\nsentinel_master = "site"`,
    ],
    ['a Redis Cluster', `[store]\n${url}cluster = true\ncluster_nodes = ["10.0.0.8:6379"]\non_store_loss = "local"`],
    [
      'other nodes',
      `[store]\n${url}[cluster]\nnode = "one"\nlistener = "to-pbx"\n[[cluster.peer]]\nnode = "two"\nuri = "sip:10.0.0.20:5060"\naccept_from = ["10.0.0.20"]`,
    ],
  ])('may be %s', (_what, tables) => {
    expect(mistakes(tables)).toBe('');
  });

  test('refuses calls while it is away unless the configuration says otherwise, and waits half a second', () => {
    expect(scenarioConfig({}).store).toMatchObject({ on_store_loss: 'refuse', timeout: 500 });
    expect(scenarioConfig({}).store.url).toBeUndefined();
  });

  test.each([
    ['another protocol', '[store]\nurl = "http://10.0.0.7"', 'expected redis://HOST'],
    [
      'a password in the url',
      '[store]\nurl = "redis://:secret@10.0.0.7"\nkey_env = "K"',
      'expected no user or password in it',
    ],
    ['no key', '[store]\nurl = "redis://10.0.0.7"', 'store.url: a shared store needs key_env'],
    ['keys without a url', '[store]\nkey_env = "K"', 'store.key_env: is for a store with a url'],
    ['an authority without TLS', `[store]\n${url}ca = "x"`, 'store.ca: is for TLS'],
    ['a user without a password', `[store]\n${url}username = "x"`, 'store.username: needs password_env'],
    ['sentinels of nothing', `[store]\n${url}sentinels = ["10.0.0.8:1"]`, 'need sentinel_master'],
    ['nothing that watches', `[store]\n${url}sentinel_master = "x"`, 'needs sentinels'],
    [
      'a cluster with sentinels',
      `[store]\n${url}cluster = true\nsentinels = ["10.0.0.8:1"]\nsentinel_master = "x"`,
      'one or the other',
    ],
    ['nodes of no cluster', `[store]\n${url}cluster_nodes = ["10.0.0.8:1"]`, 'is for cluster = true'],
    [
      'a database of a cluster',
      '[store]\nurl = "redis://10.0.0.7/2"\nkey_env = "K"\ncluster = true',
      'has no databases',
    ],
    [
      'a takeover within two beats',
      '[cluster]\nheartbeat = "1s"\ntakeover_after = "2s"',
      'expected at least 3 heartbeats',
    ],
    ['a lease shorter than a takeover', '[cluster]\nlease = "500ms"', 'expected no less than takeover_after'],
    [
      'peers without a store',
      '[cluster]\nlistener = "to-pbx"\n[[cluster.peer]]\nnode = "b"\nuri = "sip:10.0.0.2"\naccept_from = ["10.0.0.2"]',
      '[store] has no url',
    ],
    [
      'peers without a listener',
      `[store]\n${url}[[cluster.peer]]\nnode = "b"\nuri = "sip:10.0.0.2"\naccept_from = ["10.0.0.2"]`,
      'it is missing',
    ],
    ['a listener that is not there', '[cluster]\nlistener = "x"', 'there is no listener "x"'],
    [
      'itself as a peer',
      `[store]\n${url}[cluster]\nnode = "b"\nlistener = "to-pbx"\n[[cluster.peer]]\nnode = "b"\nuri = "sip:10.0.0.2"\naccept_from = ["10.0.0.2"]`,
      'is this node itself',
    ],
  ])('cannot be %s', (_what, tables, expected) => {
    expect(mistakes(tables)).toContain(expected);
  });
});
