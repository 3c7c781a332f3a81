// What the admin API shows and orders of the running SBC. What an operator ordered goes into the audit log.
import type {
  AdminOperations,
  AlertView,
  LogLevel,
  RouteTestQuery,
  TraceForm,
  TraceOptions,
} from '../../admin/operations.ts';
import { type CallQuery, selectCalls, withoutHalves } from '../../admin/overview.ts';
import { mediaEntry } from '../../cdr/cdr.ts';
import { nodeBeside } from '../../config/process-config.ts';
import type { Config } from '../../config/schema.ts';
import { type EpochMillis, type Millis, systemClock } from '../../core/clock.ts';
import { ipVersion } from '../../core/ip-address.ts';
import { formatSocketAddress, type SocketAddress } from '../../core/socket-address.ts';
import { readDescriptorLimit } from '../../media/packet-io/descriptor-limit.ts';
import type { MediaPlane } from '../../media/plane/media-plane.ts';
import { mainThreadRan } from '../../media/plane/thread-progress.ts';
import type { LiveQuality } from '../../observe/live-quality.ts';
import type { RecentCalls } from '../../observe/recent-calls.ts';
import { drawTrace } from '../../observe/trace/draw-trace.ts';
import { version } from '../../version.ts';
import type { Signalling } from '../signalling/signalling.ts';
import { capturedMedia } from './captured-media.ts';
import type { LogLevelDesk } from './log-level-desk.ts';

/** The SBC as a whole: what only its owner can do. */
export interface Life extends Pick<AdminOperations, 'isReady' | 'isDraining' | 'drain' | 'reload' | 'upgrade'> {
  /** Of whoever restarts this process. */
  readonly supervisor: number | undefined;
  readonly lastUpgrade: ReturnType<AdminOperations['status']>['upgrade'];
  readonly listening: readonly { readonly name: string; readonly transport: string; readonly address: SocketAddress }[];
}

export interface OperationsParts {
  readonly life: Life;
  readonly signalling: Signalling;
  readonly media: MediaPlane;
  readonly config: () => Config;
  /** How the calls sound that run. */
  readonly quality: LiveQuality;
  readonly logLevel: LogLevelDesk;
  readonly recent: RecentCalls;
  readonly alerts: { list(since: EpochMillis, most: number): readonly AlertView[] };
  /** Into the audit log; `by` is who it was where that is known, else the admin socket. */
  readonly note: (action: string, subject: string, detail?: string, by?: string) => void;
}

export class Operations implements AdminOperations {
  readonly version = version;
  readonly #startedAt = systemClock.wall();
  readonly #parts: OperationsParts;

  #descriptors: number | undefined;

  constructor(parts: OperationsParts) {
    this.#parts = parts;
    void readDescriptorLimit().then((limit) => {
      this.#descriptors = limit === Number.POSITIVE_INFINITY ? undefined : limit;
    });
  }

  isReady(): boolean {
    return this.#parts.life.isReady();
  }

  isDraining(): boolean {
    return this.#parts.life.isDraining();
  }

  drain(): Promise<void> {
    return this.#parts.life.drain();
  }

  reload(): ReturnType<AdminOperations['reload']> {
    return this.#parts.life.reload();
  }

  upgrade(): ReturnType<AdminOperations['upgrade']> {
    return this.#parts.life.upgrade();
  }

  status(): ReturnType<AdminOperations['status']> {
    return {
      node: this.#parts.config().sbc.name,
      startedAt: this.#startedAt,
      process: process.pid,
      supervisor: this.#parts.life.supervisor,
      uid: process.geteuid?.(),
      descriptors: this.#descriptors,
      upgrade: this.#parts.life.lastUpgrade,
      activeCalls: this.#parts.signalling.b2bua.active,
      relayedCalls: this.#parts.signalling.b2bua.relayed,
      listeners: this.#parts.life.listening.map(({ name, transport, address }) => ({
        name,
        transport,
        address: formatSocketAddress(address),
      })),
      mediaWorkers: this.#parts.media.workers,
    };
  }

  calls(): ReturnType<AdminOperations['calls']> {
    return this.#parts.signalling.b2bua.calls();
  }

  recentCalls(): ReturnType<AdminOperations['recentCalls']> {
    return this.#parts.recent.list();
  }

  alerts(): ReturnType<AdminOperations['alerts']> {
    return this.#parts.alerts.list(systemClock.wall() - alertsSince, mostAlerts).map(alertView);
  }

  async call(id: string): ReturnType<AdminOperations['call']> {
    const detail = await this.#parts.signalling.b2bua.detail(id);
    return detail && { call: detail.call, media: detail.media.map(mediaEntry) };
  }

  async overview(query: CallQuery): ReturnType<AdminOperations['overview']> {
    const { signalling, media, quality } = this.#parts;
    await quality.look();
    const { received, sent, dropped } = media.stats();
    const { refusals, ...ended } = await signalling.metrics.callTotals();
    const all = signalling.b2bua.calls();
    const beginners = query.withoutHalvesOf?.map((process) => nodeBeside(this.#parts.config(), process)) ?? [];
    const shown = withoutHalves(all, new Set(beginners));
    const rows = shown.map((call) => ({ ...call, quality: quality.of(call.id) }));
    const relayed = shown.filter(({ halfOf }) => halfOf !== undefined).length;
    return {
      at: systemClock.wall(),
      node: this.#parts.config().sbc.name,
      startedAt: this.#startedAt,
      calls: { active: all.length - signalling.b2bua.relayed, ...ended },
      relayed,
      refusals,
      media: { received, sent, dropped: Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0)) },
      workers: media.workers,
      process: {
        ran: mainThreadRan(),
        residentBytes: process.memoryUsage.rss(),
        lag: Math.round(signalling.overload.lag * 10) / 10,
      },
      registrations: signalling.registrar.flows,
      subscriptions: signalling.subscriptions.active,
      bans: signalling.bans.list().length,
      holds: signalling.fraud.holds().length,
      trunks: this.trunks(),
      quality: quality.summary(),
      ...selectCalls(rows, query),
    };
  }

  async trace(name: string, form: TraceForm, options: TraceOptions = {}): ReturnType<AdminOperations['trace']> {
    const { trace, b2bua } = this.#parts.signalling;
    const messages = trace?.messagesOf(name) ?? [];
    if (options.withSecrets === true) this.#parts.note('trace', name, `${form}, with secrets`);
    if (trace === undefined || messages.length === 0) return undefined;
    const call = trace.callOf(name);
    const captures = form === 'pcap' ? [...trace.captures.of(call), ...(await b2bua.captures(call))] : [];
    return drawTrace(messages, form, { ...options, captures: captures.map(capturedMedia) });
  }

  endCall(id: string, by?: string): boolean {
    const isEnded = this.#parts.signalling.b2bua.end(id);
    if (isEnded) this.#parts.note('calls end', id, undefined, by);
    return isEnded;
  }

  logLevel(): ReturnType<AdminOperations['logLevel']> {
    return this.#parts.logLevel.view();
  }

  setLogLevel(level: LogLevel, lasts: Millis | undefined): ReturnType<AdminOperations['setLogLevel']> {
    this.#parts.logLevel.set(level, lasts);
    this.#parts.note('log-level', level, lasts === undefined ? undefined : `for ${Math.round(lasts / 1000)} s`);
    return this.#parts.logLevel.view();
  }

  trunks(): ReturnType<AdminOperations['trunks']> {
    const { probes, trunks, b2bua } = this.#parts.signalling;
    return this.#parts.config().trunk.map(({ name }) => ({
      name,
      up: probes.isUp(`trunk:${name}`),
      registered: trunks.isRegistered(name),
      calls: b2bua.callsOf('trunk', name),
    }));
  }

  async registrations(): ReturnType<AdminOperations['registrations']> {
    const bindings = await this.#parts.signalling.registrar.list();
    return bindings.map(({ record: { aor, contact, listener, expiresAt, userAgent }, alive }) => ({
      aor,
      contact,
      listener,
      expiresAt,
      alive,
      userAgent,
    }));
  }

  subscriptions(): ReturnType<AdminOperations['subscriptions']> {
    return this.#parts.signalling.subscriptions.list();
  }

  endSubscription(id: string, reason: 'probation' | 'rejected'): boolean {
    const user = this.#parts.signalling.subscriptions.end(id, reason);
    if (user !== undefined) this.#parts.note('subscriptions end', id, `${user}, ${reason}`);
    return user !== undefined;
  }

  recheckUser(aor: string): ReturnType<AdminOperations['recheckUser']> {
    return this.#parts.signalling.standing.recheck(aor);
  }

  bans(): ReturnType<AdminOperations['bans']> {
    return this.#parts.signalling.bans.list();
  }

  ban(address: string, lasts: number | undefined): ReturnType<AdminOperations['ban']> {
    if (ipVersion(address) === undefined) return undefined;
    const ban = this.#parts.signalling.bans.ban({ source: address }, 'operator', lasts);
    this.#parts.note('bans add', ban.source, `until ${new Date(ban.until).toISOString()}`);
    return ban;
  }

  liftBans(address: string, by?: string): number {
    const lifted = this.#parts.signalling.bans.lift({ source: address });
    if (lifted > 0) this.#parts.note('bans lift', address, undefined, by);
    return lifted;
  }

  fraudHolds(): ReturnType<AdminOperations['fraudHolds']> {
    return this.#parts.signalling.fraud.holds();
  }

  liftFraud(subject: string): number {
    const lifted = this.#parts.signalling.fraud.lift(subject);
    for (const { action, of = 'all', rule } of lifted) {
      this.#parts.note(
        'fraud lift',
        subject,
        action === 'lock' ? `lock of rule ${rule}` : `${of} calls of rule ${rule}`,
      );
    }
    return lifted.length;
  }

  devices(): ReturnType<AdminOperations['devices']> {
    return this.#parts.signalling.devices.list();
  }

  decideDevice(id: string, state: 'approved' | 'denied'): ReturnType<AdminOperations['decideDevice']> {
    return this.#noted(`devices ${state}`, this.#parts.signalling.devices.decide(id, state, 'admin'));
  }

  approveDevice(id: string, code: string): ReturnType<AdminOperations['approveDevice']> {
    const outcome = this.#parts.signalling.devices.approveByCode(id, code);
    if (typeof outcome === 'string') this.#parts.note('devices approve', id, `refused: code ${outcome}`);
    else this.#noted('devices approved by code', outcome);
    return outcome;
  }

  forgetDevice(id: string): ReturnType<AdminOperations['forgetDevice']> {
    return this.#noted('devices forget', this.#parts.signalling.devices.forget(id));
  }

  async learnDevices(): ReturnType<AdminOperations['learnDevices']> {
    const learned = await this.#parts.signalling.learnDevices('admin');
    for (const device of learned) this.#noted('devices learn', device);
    return learned;
  }

  #noted(action: string, device: ReturnType<AdminOperations['decideDevice']>): typeof device {
    if (device !== undefined) this.#parts.note(action, device.aor, `${device.id}: ${device.description}`);
    return device;
  }

  routeTest(query: RouteTestQuery): ReturnType<AdminOperations['routeTest']> {
    return this.#parts.signalling.routeTest(query);
  }

  metricsText(): Promise<string> {
    return this.#parts.signalling.metrics.text();
  }

  get metricsContentType(): string {
    return this.#parts.signalling.metrics.contentType;
  }
}

const alertsSince: Millis = 7 * 86_400_000;
const mostAlerts = 200;

function alertView({ severity, kind, text, firstAt, lastAt, count }: AlertView): AlertView {
  return { severity, kind, text, firstAt, lastAt, count };
}
