// Sums of what workers count.
import type { MediaTotals } from './media-plane.ts';
import { type DropReason, dropReasons, type TrafficCount } from './messages.ts';

export type TrafficTotals = Pick<MediaTotals, 'received' | 'sent' | 'dropped' | 'faults'>;

export function addTraffic(total: TrafficTotals, more: TrafficTotals | undefined): TrafficTotals {
  if (more === undefined) return total;
  const dropped = { ...total.dropped };
  for (const reason of dropReasons) dropped[reason] += more.dropped[reason];
  return {
    received: add(total.received, more.received),
    sent: add(total.sent, more.sent),
    dropped,
    faults: total.faults + more.faults,
  };
}

function add(a: TrafficCount, b: TrafficCount): TrafficCount {
  return { packets: a.packets + b.packets, bytes: a.bytes + b.bytes };
}

const noDrops: Readonly<Record<DropReason, number>> = {
  foreign: 0,
  forged: 0,
  replayed: 0,
  malformed: 0,
  'unexpected-protocol': 0,
  'not-ready': 0,
  'not-joined': 0,
  'not-latched': 0,
  held: 0,
  'too-many-sources': 0,
  'too-large': 0,
  'over-limit': 0,
  'index-reuse': 0,
  'not-keyed': 0,
  'handshake-refused': 0,
};

export const noTraffic: TrafficTotals = {
  received: { packets: 0, bytes: 0 },
  sent: { packets: 0, bytes: 0 },
  dropped: noDrops,
  faults: 0,
};
