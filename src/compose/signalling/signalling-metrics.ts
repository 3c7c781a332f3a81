// What metrics are read from when somebody asks for them.
import { Metrics } from '../../observe/metrics.ts';
import type { SignallingOptions, SignallingRooms } from './signalling-rooms.ts';

export function signallingMetrics(rooms: SignallingRooms, options: SignallingOptions): Metrics {
  const { media, scheduler, stores } = options;
  return new Metrics({
    calls: () => rooms.b2bua.active - rooms.b2bua.relayed,
    relayedCalls: () => rooms.b2bua.relayed,
    dialogs: () => rooms.userAgent.dialogs,
    registrations: () => rooms.registrar.flows,
    subscriptions: () => rooms.subscriptions.active,
    reservations: () => rooms.reservations.held(),
    transactions: () => rooms.userAgent.layer.active,
    lingeringTransactions: () => rooms.userAgent.layer.lingering,
    timers: () => scheduler.pending,
    peersUp: () => rooms.probes.states(),
    loopLag: () => rooms.overload.lag,
    waiting: () => rooms.waitingRoom.waiting,
    connections: () => rooms.transports.connections,
    refusedConnections: () => rooms.transports.refused,
    handlingFailures: () => rooms.transports.handlingFailures + rooms.waitingRoom.handlingFailures,
    processes: () => rooms.processes?.flows.counts,
    mediaPorts: () => media.portsInUse,
    mediaSessions: () => media.activeSessions,
    media: () => media.stats(),
    hep: () => options.hep?.counts,
    store: stores.figures,
    sharedStore: () => options.shared?.link,
  });
}
