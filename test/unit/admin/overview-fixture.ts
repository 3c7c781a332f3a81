// What an SBC without anything to do says of itself.
import type { OverviewView } from '../../../src/admin/overview.ts';

export function overviewView(more: Partial<OverviewView> = {}): OverviewView {
  const none = { packets: 0, bytes: 0 };
  return {
    at: 0,
    node: 'edge1',
    startedAt: 0,
    calls: { active: 0, answered: 0, unanswered: 0, refused: 0 },
    relayed: 0,
    refusals: {},
    media: { received: none, sent: none, dropped: {} },
    workers: [],
    process: { ran: 0, residentBytes: 0, lag: 0 },
    registrations: 0,
    subscriptions: 0,
    bans: 0,
    holds: 0,
    trunks: [],
    quality: undefined,
    matching: 0,
    list: [],
    ...more,
  };
}
