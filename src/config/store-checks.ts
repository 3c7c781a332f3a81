// What fits together of the shared store and the nodes that share it.
import type { Finding } from './finding.ts';
import type { ReadableTables } from './schema.ts';

export function storeFindings(tables: ReadableTables): readonly Finding[] {
  return [...storeOnly(tables), ...clusterOnly(tables)];
}

/** The event loop and the network need some room, or a node is taken over that lives. */
const beatsOfATakeover = 3;

function storeOnly({ store }: ReadableTables): readonly Finding[] {
  if (store === undefined) return [];
  const findings: Finding[] = [];
  const at = (key: string, message: string): void => void findings.push({ path: ['store', key], message });
  const { url, sentinels, sentinel_master: master, cluster, cluster_nodes: nodes } = store;
  if (url === undefined) {
    for (const key of ['username', 'password_env', 'ca', 'sentinel_master', 'key_env'] as const) {
      if (store[key] !== undefined) at(key, 'is for a store with a url');
    }
    return findings;
  }
  if (store.key_env === undefined) at('url', 'a shared store needs key_env: what nodes keep there is sealed');
  if (store.ca !== undefined && !url.startsWith('rediss:')) at('ca', 'is for TLS: the url begins with "redis:"');
  if (store.username !== undefined && store.password_env === undefined) at('username', 'needs password_env');
  if (sentinels.length > 0 && master === undefined)
    at('sentinels', 'need sentinel_master, the name of what they watch');
  if (master !== undefined && sentinels.length === 0) at('sentinel_master', 'needs sentinels');
  if (cluster && sentinels.length > 0) at('cluster', 'a Redis Cluster has no sentinels: one or the other');
  if (nodes.length > 0 && !cluster) at('cluster_nodes', 'is for cluster = true');
  if (cluster && new URL(url).pathname.length > 1) at('url', 'a Redis Cluster has no databases');
  return findings;
}

function clusterOnly({ store, cluster, listener }: ReadableTables): readonly Finding[] {
  if (cluster === undefined) return [];
  const findings: Finding[] = [];
  const at = (key: string, message: string): void => void findings.push({ path: ['cluster', key], message });
  const { heartbeat, takeover_after: takeover, lease, peer: peers } = cluster;
  if (takeover < beatsOfATakeover * heartbeat) at('takeover_after', `expected at least ${beatsOfATakeover} heartbeats`);
  if (lease < takeover) at('lease', 'expected no less than takeover_after');
  if (store !== undefined && store.url === undefined && peers.length > 0) {
    at('peer', 'nodes share a store: [store] has no url');
  }
  const own = listener?.find((one) => one.name === cluster.listener);
  if (cluster.listener === undefined && peers.some((peer) => peer.listener === undefined))
    at('listener', 'is where the other nodes call: it is missing');
  if (cluster.listener !== undefined && listener !== undefined && own === undefined) {
    at('listener', `there is no listener "${cluster.listener}"`);
  }
  const seen = new Set<string>();
  for (const [index, { node, certificate_name: certificate, uri, listener: apart }] of peers.entries()) {
    const of = (key: string, message: string): void =>
      void findings.push({ path: ['cluster', 'peer', index, key], message });
    if (seen.has(node)) of('node', `there are two peers "${node}"`);
    seen.add(node);
    if (node === cluster.node) of('node', 'is this node itself');
    const used = apart === undefined ? own : listener?.find((one) => one.name === apart);
    if (apart !== undefined && listener !== undefined && used === undefined) {
      of('listener', `there is no listener "${apart}"`);
    }
    if (certificate !== undefined && used !== undefined && used.transport !== 'tls') {
      of('certificate_name', 'a certificate needs a TLS listener');
    }
    if (uri.startsWith('sips:') && used !== undefined && used.transport !== 'tls')
      of('uri', 'sips: needs a TLS listener');
  }
  return findings;
}
