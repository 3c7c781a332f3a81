// The other nodes of a site: for the gate, who they are; for connect, contacts under which their phones are reached. Each stands for all phones of
// a user whose flows it holds, and rings them itself.
import type { ReachableContact } from '../../b2bua/routing/directory.ts';
import type { MediaTerms } from '../../b2bua/routing/target.ts';
import type { Config } from '../../config/schema.ts';
import type { Millis } from '../../core/clock.ts';
import type { PeerRule } from '../../sip/auth/gate-rules.ts';
import { parseUri } from '../../sip/message/uri.ts';
import type { Destination } from '../../sip/user-agent/session.ts';
import { type MediaContext, mediaTerms } from './listeners.ts';

export interface SiteNode {
  readonly name: string;
  /** As who it calls: no PBX of a configuration has such a name. */
  readonly identity: PeerRule['identity'];
  readonly destination: Destination;
  readonly media: MediaTerms;
}

/** A node that says nothing to an INVITE for so long is dead, or cut off: others may ring meanwhile. */
export const nodePatience: Millis = 2_000;

export function siteNodes(context: MediaContext): readonly SiteNode[] {
  const { cluster, listener: listeners } = context.config;
  return cluster.peer.flatMap(({ node, uri, certificate_name: certificateName, listener: apart }) => {
    const listener = apart ?? cluster.listener;
    if (listener === undefined) return [];
    const { host, port } = endpointOf(uri);
    const transport = listeners.find((one) => one.name === listener)?.transport ?? 'udp';
    return {
      name: node,
      identity: identityOf(node),
      destination: {
        kind: 'next-hop',
        listener,
        transport,
        host,
        port,
        responseWithin: nodePatience,
        ...(certificateName === undefined ? {} : { certificateName }),
      },
      media: mediaTerms(context, listener, { address: host, isPhone: false }),
    };
  });
}

export function nodeRules({ cluster }: Config): readonly PeerRule[] {
  return cluster.peer.flatMap(
    ({ node, accept_from: acceptFrom, certificate_name: certificateName, listener: apart }) => {
      const listener = apart ?? cluster.listener;
      return listener === undefined ? [] : [{ identity: identityOf(node), listener, acceptFrom, certificateName }];
    },
  );
}

/** The user is called there by its address of record, so that its domain is known. */
export function nodeContact(
  { identity, destination, media }: SiteNode,
  aor: string,
  priority: number,
): ReachableContact {
  return { identity, uri: `sip:${aor}`, path: [], priority, destination, media };
}

function identityOf(node: string): SiteNode['identity'] {
  return { kind: 'pbx', name: `node:${node}` };
}

/** The configuration has checked it. */
function endpointOf(uri: string): { readonly host: string; readonly port: number } {
  const parsed = parseUri(uri);
  if (!parsed.ok || (parsed.value.scheme !== 'sip' && parsed.value.scheme !== 'sips'))
    return { host: uri, port: 5_060 };
  const { scheme, host, port } = parsed.value;
  return { host, port: port ?? (scheme === 'sips' ? 5_061 : 5_060) };
}
