// Whose dialog a tag names, where a site has several nodes: each marks its tags with its name, as each process of a machine does with its
// number. Nobody is believed more for it: it tells whom to ask.
import { hash } from 'node:crypto';
import type { Config } from '../../config/schema.ts';
import { processMark, processOfTag } from '../../sip/transport/process-mark.ts';
import { nodeName } from '../nodes/shared-site.ts';
import type { ProcessPlace } from './process-room.ts';

type SiteConfig = Pick<Config, 'sbc' | 'cluster'>;

/** What tags and branches of this node begin with. Undefined: nobody needs to know whose they are. `place`: of one of several processes. */
export function markOf(config: SiteConfig, place: ProcessPlace | undefined): string | undefined {
  const isOfSite = config.cluster.peer.some(({ node }) => place?.nodes.has(node) !== true);
  const mark = `${place === undefined ? '' : processMark(place.process)}${isOfSite ? nodeMark(nodeName(config)) : ''}`;
  return mark === '' ? undefined : mark;
}

/** The other node whose tag it is; undefined where it is this one, or nobody's. */
export function nodeOfTag(tag: string, { cluster }: SiteConfig, place: ProcessPlace | undefined): string | undefined {
  const named = markInTag.exec(tag)?.[1];
  if (named !== undefined) return cluster.peer.find(({ node }) => nodeMark(node) === named)?.node;
  const owner = processOfTag(tag);
  if (place === undefined || owner === undefined || owner === place.process) return undefined;
  return [...place.nodes].find(([, process]) => process === owner)?.[0];
}

/** A hash, since names may be long, and have what tags may not. */
function nodeMark(name: string): string {
  return `n${hash('sha256', name).slice(0, 10)}-`;
}

const markInTag = /^(?:p\d{1,2}-)?(n[0-9a-f]{10}-)/;
