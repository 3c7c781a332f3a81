// What Prometheus scrapes (docs/metrics.md). Gauges are read when asked for; labels come from closed sets only, never from
// a peer.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CallRecord } from '../b2bua/call/call-record.ts';
import type { MediaTotals } from '../media/plane/media-plane.ts';
import type { HepCounts } from './hep/hep-exporter.ts';
import { MediaQualityMetrics } from './media-quality-metrics.ts';
import { registerSharedStoreMetrics, type SharedStoreFigures } from './shared-store-metrics.ts';
import { registerStoreMetrics, type StoreFigures } from './store-metrics.ts';

/** Where current numbers come from. */
export interface MetricSources {
  /** Calls that are not over, but for those that another node began. */
  readonly calls: () => number;
  readonly relayedCalls: () => number;
  readonly dialogs: () => number;
  readonly registrations: () => number;
  readonly subscriptions: () => number;
  readonly reservations: () => number;
  readonly transactions: () => number;
  readonly lingeringTransactions: () => number;
  readonly timers: () => number;
  /** Trunks and PBXs that are pinged. */
  readonly peersUp: () => Iterable<{ readonly peer: string; readonly isUp: boolean }>;
  /** Milliseconds. */
  readonly loopLag: () => number;
  /** Requests that wait for their turn. */
  readonly waiting: () => number;
  readonly connections: () => number;
  /** What listeners turned away since start, by reason. */
  readonly refusedConnections: () => ReadonlyMap<string, number>;
  /** Messages whose handling met a mistake of our own. */
  readonly handlingFailures: () => number;
  /** What was passed on to other processes of this machine; undefined where there are none. */
  readonly processes: () => { readonly passed: number; readonly refused: number; readonly dropped: number } | undefined;
  readonly mediaPorts: () => number;
  readonly mediaSessions: () => number;
  readonly media: () => MediaTotals;
  /** What went to Homer; undefined where nothing shall. */
  readonly hep: () => HepCounts | undefined;
  readonly store: StoreFigures;
  /** The store that nodes share; absent where this node stands alone. */
  readonly sharedStore?: () => SharedStoreFigures | undefined;
}

export interface CallTotals {
  readonly answered: number;
  readonly unanswered: number;
  readonly refused: number;
  readonly refusals: Readonly<Record<string, number>>;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #calls: Counter<'outcome'>;
  readonly #relayed: Counter;
  readonly #refusals: Counter<'reason'>;
  readonly #authFailures: Counter<'reason'>;
  readonly #bans: Counter<'reason'>;
  readonly #subscriptionRefusals: Counter<'reason'>;
  readonly #requests: Counter<'method'>;
  readonly #dropped: Counter<'reason'>;
  readonly #recordsLost: Counter;
  readonly #alertsLost: Counter;
  readonly #duration: Histogram;
  readonly #mediaQuality: MediaQualityMetrics;

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
    this.#calls = new Counter({
      name: 'sbc_calls_total',
      help: 'Calls that are over, by how far they came.',
      labelNames: ['outcome'],
      registers,
    });
    this.#relayed = new Counter({
      name: 'sbc_calls_relayed_total',
      help: 'Calls that are over which another node began, and counts.',
      registers,
    });
    this.#refusals = new Counter({
      name: 'sbc_refusals_total',
      help: 'Calls that policy or the edge refused, by reason.',
      labelNames: ['reason'],
      registers,
    });
    this.#authFailures = new Counter({
      name: 'sbc_auth_failures_total',
      help: 'Requests with credentials that were not accepted, by reason.',
      labelNames: ['reason'],
      registers,
    });
    this.#bans = new Counter({
      name: 'sbc_bans_total',
      help: 'Bans of sources, and of accounts at a source, by reason.',
      labelNames: ['reason'],
      registers,
    });
    this.#subscriptionRefusals = new Counter({
      name: 'sbc_subscription_refusals_total',
      help: 'SUBSCRIBEs and NOTIFYs that were refused, by reason.',
      labelNames: ['reason'],
      registers,
    });
    this.#requests = new Counter({
      name: 'sbc_sip_requests_total',
      help: 'Requests that arrived, by method.',
      labelNames: ['method'],
      registers,
    });
    this.#dropped = new Counter({
      name: 'sbc_sip_dropped_total',
      help: 'Messages that were dropped or refused before any state was made, by reason.',
      labelNames: ['reason'],
      registers,
    });
    this.#alertsLost = new Counter({
      name: 'sbc_alerts_lost_total',
      help: 'Alerts that no disk took, or that too many others pushed out, for one receiver.',
      registers,
    });
    this.#recordsLost = new Counter({
      name: 'sbc_call_records_lost_total',
      help: 'Call records that no disk took in time.',
      registers,
    });
    this.#duration = new Histogram({
      name: 'sbc_call_duration_seconds',
      help: 'From answer to end.',
      buckets: [1, 5, 15, 60, 300, 900, 3600, 7200],
      registers,
    });
    this.#mediaQuality = new MediaQualityMetrics(this.#registry);
    this.#gauges(sources);
    this.#totals(sources);
    registerStoreMetrics(this.#registry, sources.store);
    registerSharedStoreMetrics(this.#registry, () => sources.sharedStore?.());
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Calls that are over, by how far they came, and refused ones by reason. */
  async callTotals(): Promise<CallTotals> {
    const [calls, refusals] = await Promise.all([this.#calls.get(), this.#refusals.get()]);
    const of = (outcome: string): number => calls.values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0;
    return {
      answered: of('answered'),
      unanswered: of('unanswered'),
      refused: of('refused'),
      refusals: Object.fromEntries(refusals.values.map(({ labels, value }) => [String(labels.reason), value])),
    };
  }

  callEnded(record: CallRecord): void {
    const outcome =
      record.refusal !== undefined ? 'refused' : record.answeredAt === undefined ? 'unanswered' : 'answered';
    // What was refused here alone is not known where it began.
    if (record.refusal !== undefined) this.#refusals.inc({ reason: record.refusal.code });
    this.#mediaQuality.callEnded(record);
    if (record.halfOf !== undefined) {
      this.#relayed.inc();
      return;
    }
    this.#calls.inc({ outcome });
    if (record.answeredAt !== undefined) this.#duration.observe(record.duration / 1000);
  }

  /** `reason` is one of the gate's own words. */
  authFailed(reason: string): void {
    this.#authFailures.inc({ reason });
  }

  /** `reason` is one of policy's own words. */
  banned(reason: string): void {
    this.#bans.inc({ reason });
  }

  /** `reason` is one of ours, or of policy's own words. */
  subscriptionRefused(reason: string): void {
    this.#subscriptionRefusals.inc({ reason });
  }

  request(method: string): void {
    this.#requests.inc({ method: countedMethods.has(method) ? method : 'other' });
  }

  /** `reason` is one of ours: a parse error's code, the gate's or the limiter's word. */
  dropped(reason: string): void {
    this.#dropped.inc({ reason });
  }

  alertsLost(count: number): void {
    this.#alertsLost.inc(count);
  }

  recordLost(): void {
    this.#recordsLost.inc();
  }

  #gauges(sources: MetricSources): void {
    const gauge = (name: string, help: string, read: () => number): void => {
      new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(read());
        },
      });
    };
    gauge('sbc_calls_active', 'Calls that are not over.', sources.calls);
    gauge(
      'sbc_calls_relayed_active',
      'Calls that are not over which another node began, and counts.',
      sources.relayedCalls,
    );
    gauge('sbc_dialogs_active', 'SIP dialogs.', sources.dialogs);
    gauge('sbc_registrations_active', 'Flows that phones are registered over.', sources.registrations);
    gauge('sbc_subscriptions_active', 'Subscriptions of phones.', sources.subscriptions);
    gauge('sbc_reservations_active', 'Slots of users, trunks and the node that calls hold.', sources.reservations);
    gauge('sbc_transactions_active', 'SIP transactions.', sources.transactions);
    gauge('sbc_transactions_lingering', 'SIP transactions that wait for copies alone.', sources.lingeringTransactions);
    gauge('sbc_timers_pending', 'Timers that wait.', sources.timers);
    gauge('sbc_requests_waiting', 'Requests that begin something and wait for their turn.', sources.waiting);
    gauge('sbc_event_loop_lag_seconds', 'How late the event loop is.', () => sources.loopLag() / 1000);
    gauge('sbc_connections_active', 'TCP and TLS connections.', sources.connections);
    gauge('sbc_media_ports_in_use', 'Media ports that calls hold.', sources.mediaPorts);
    gauge('sbc_media_sessions_active', 'Media sessions.', sources.mediaSessions);
    new Gauge({
      name: 'sbc_trunk_up',
      help: 'Whether a trunk or PBX of the configuration answers its pings.',
      labelNames: ['peer'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { peer, isUp } of sources.peersUp()) this.set({ peer }, isUp ? 1 : 0);
      },
    });
    gauge('sbc_process_resident_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss());
  }

  /** Others count these for themselves; what they report is a total since start, so each scrape sets it anew. */
  #totals({ hep, media, processes, refusedConnections, handlingFailures }: MetricSources): void {
    const registers = [this.#registry];
    const total = (
      name: string,
      help: string,
      label: string,
      read: () => Iterable<readonly [string, number]>,
    ): void => {
      new Counter({
        name,
        help,
        labelNames: [label],
        registers,
        collect() {
          this.reset();
          for (const [value, count] of read()) this.inc({ [label]: value }, count);
        },
      });
    };
    const only = (name: string, help: string, read: () => number): void => {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    };
    total(
      'sbc_connections_refused_total',
      'Connections that were turned away, by reason.',
      'reason',
      refusedConnections,
    );
    only('sbc_hep_sent_total', 'SIP messages that went to Homer.', () => hep()?.sent ?? 0);
    total('sbc_hep_dropped_total', 'SIP messages that did not go to Homer, by reason.', 'reason', () =>
      Object.entries(hep()?.dropped ?? {}),
    );
    total('sbc_process_messages_total', 'Messages that came here for another process, by outcome.', 'outcome', () =>
      Object.entries(processes() ?? {}),
    );
    only('sbc_sip_handling_failures_total', 'Messages that met a mistake of our own.', handlingFailures);
    total('sbc_media_packets_total', 'RTP packets, by direction.', 'direction', () => [
      ['received', media().received.packets],
      ['sent', media().sent.packets],
    ]);
    total('sbc_media_bytes_total', 'Bytes of RTP, by direction.', 'direction', () => [
      ['received', media().received.bytes],
      ['sent', media().sent.bytes],
    ]);
    total('sbc_media_dropped_total', 'Media packets that were not relayed, by reason.', 'reason', () =>
      Object.entries(media().dropped),
    );
    only('sbc_media_faults_total', 'Packets and commands that met a mistake of our own.', () => media().faults);
    only('sbc_media_sessions_opened_total', 'Media sessions since start.', () => media().sessionsOpened);
    only('sbc_media_sessions_lost_total', 'Media sessions that ended with their worker.', () => media().sessionsLost);
    only(
      'sbc_media_workers_lost_total',
      'Media workers that ended before they were told to.',
      () => media().workersLost,
    );
  }
}

/** What peers may send; any other method is counted as `other`, since a label is never a peer's own word. */
const countedMethods: ReadonlySet<string> = new Set([
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'REGISTER',
  'OPTIONS',
  'INFO',
  'UPDATE',
  'PRACK',
  'REFER',
  'MESSAGE',
  'SUBSCRIBE',
  'NOTIFY',
  'PUBLISH',
]);
