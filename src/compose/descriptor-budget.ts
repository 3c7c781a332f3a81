// How the open descriptors of the process are shared out. Media may take most of them, never all: a phone must still be able to
// connect and hang up when every media socket is in use.

/** Media sockets where the limit allows them: four for a call whose RTP and RTCP are apart on both legs. */
export const mostMediaSockets = 16_000;
const mediaShare = 0.75;

/** `limit` is the soft limit of open descriptors; undefined where the system does not tell. */
export function mediaSocketsFor(limit: number | undefined): number {
  if (limit === undefined) return mostMediaSockets;
  return Math.min(mostMediaSockets, Math.max(2, Math.floor(limit * mediaShare)));
}
