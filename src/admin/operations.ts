// What the admin faces show and do. `compose` implements it over the running SBC.
import type { CallView } from '../b2bua/b2bua.ts';
import type { SubscriptionView } from '../b2bua/subscription/subscriptions.ts';
import type { EpochMillis, Millis } from '../core/clock.ts';
import type { Result } from '../core/result.ts';
import type { RecentCall } from '../observe/recent-calls.ts';
import type { BanRecord } from '../policy/bans.ts';
import type { DeviceRecord } from '../policy/devices.ts';
import type { Hold } from '../policy/fraud/holds.ts';
import type { Refusal, RuleTrace } from '../policy/verdict.ts';
import type { CallQuery, OverviewView, TrunkView } from './overview.ts';

export interface AdminOperations {
  readonly version: string;
  /** Every listener is bound, the media workers answer, and it is not draining. */
  isReady(): boolean;
  isDraining(): boolean;
  status(): StatusView;
  /** What a screen shows at a glance. Running calls are asked how they sound, a few at a time. */
  overview(query: CallQuery): Promise<OverviewView>;
  calls(): readonly CallView[];
  /** Calls that are over, the newest first. */
  recentCalls(): readonly RecentCall[];
  /** What was told to receivers of alerts in the last week, the newest first. */
  alerts(): readonly AlertView[];
  /** By its name, or the one that it has at the node where it began. Undefined when there is none. */
  call(id: string): Promise<CallDetail | undefined>;
  /**
   * The SIP messages of a call that still are in memory, by its name or a Call-ID, in a capture with the headers of its first media
   * packets. Secrets are written over unless asked for. Undefined when there is no message.
   */
  trace(name: string, form: TraceForm, options?: TraceOptions): Promise<Uint8Array | undefined>;
  /** False when there is no call of that id. `by` goes into the audit log. */
  endCall(id: string, by?: string): boolean;
  /** What is logged from now on; with `lasts`, in milliseconds, until then, and afterwards what the configuration says. */
  setLogLevel(level: LogLevel, lasts: Millis | undefined): LogLevelView;
  logLevel(): LogLevelView;
  registrations(): Promise<readonly RegistrationView[]>;
  subscriptions(): readonly SubscriptionView[];
  /** `probation`: the phone may come back a little later, `rejected`: it should not. False when there is none of that id. */
  endSubscription(id: string, reason: 'probation' | 'rejected'): boolean;
  /** Looks at a user that was changed: what it has open ends where it is locked, or gone. Rejects when a store cannot answer. */
  recheckUser(aor: string): Promise<UserStandingView>;
  trunks(): readonly TrunkView[];
  bans(): readonly BanRecord[];
  /** `lasts` in milliseconds; absent: by how often it was. Undefined where `address` is none. */
  ban(address: string, lasts: number | undefined): BanRecord | undefined;
  /** How many bans were lifted. `by` goes into the audit log. */
  liftBans(address: string, by?: string): number;
  /** What the detection of fraud holds against whom. */
  fraudHolds(): readonly Hold[];
  /** How many holds against `user:…`, `trunk:…` or `pbx:…` were lifted. */
  liftFraud(subject: string): number;
  devices(): readonly DeviceRecord[];
  /** Undefined where there is no device of that id. */
  decideDevice(id: string, state: 'approved' | 'denied'): DeviceRecord | undefined;
  /** By a one-time code of its user; a word says why not. */
  approveDevice(id: string, code: string): DeviceRecord | string | undefined;
  forgetDevice(id: string): DeviceRecord | undefined;
  /** Approves the devices of all registrations that are alive; those. */
  learnDevices(): Promise<readonly DeviceRecord[]>;
  /** What would become of a call. Nothing is sent or counted. The error says what is wrong with the question. */
  routeTest(query: RouteTestQuery): Promise<Result<RouteTestView, string>>;
  /** Takes no new calls from now on; resolves when none is left. Idempotent, and never rejects. */
  drain(): Promise<void>;
  /** Applies the configuration file as it is now, whole or not at all: what changed, or every error. */
  reload(): Promise<Result<readonly string[], readonly string[]>>;
  /** Has another process take the place of this one; why that cannot be begun, or undefined. `status` says what comes of it. */
  upgrade(): string | undefined;
  metricsText(): Promise<string>;
  readonly metricsContentType: string;
}

export interface AlertView {
  readonly severity: 'info' | 'warning' | 'critical';
  readonly kind: string;
  readonly text: string;
  readonly firstAt: EpochMillis;
  readonly lastAt: EpochMillis;
  readonly count: number;
}

/** A ladder as text, SVG or JSON with its messages, the messages as text, or a capture (libpcap). */
export type TraceForm = 'ladder' | 'svg' | 'steps' | 'messages' | 'pcap';

export interface TraceOptions {
  /** Keys and digest responses stay in; goes into the audit log. */
  readonly withSecrets?: boolean;
  /** Of the ladder as text, in characters; absent: as wide as is easily read. */
  readonly width?: number | undefined;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogLevelView {
  readonly level: LogLevel;
  /** What the configuration says. */
  readonly configured: LogLevel;
  /** When the level becomes that again; undefined: when the configuration says another one, or at the next start. */
  readonly until: EpochMillis | undefined;
}

/** One call, and an entry like those of the call record (docs/cdr.md) for each of its media lines. */
export interface CallDetail {
  readonly call: CallView;
  readonly media: readonly Readonly<Record<string, unknown>>[];
}

export interface StatusView {
  /** `[sbc].name`. */
  readonly node: string;
  readonly startedAt: EpochMillis;
  /** The process that serves: another one after a restart or an upgrade. */
  readonly process: number;
  /** The process that signals are for, and that stays; absent where nobody restarts it. */
  readonly supervisor?: number | undefined;
  /** Of the process that serves: whose it is, and how many descriptors it may have; absent where the system does not tell, or bounds nothing. */
  readonly uid?: number | undefined;
  readonly descriptors?: number | undefined;
  /** What came of the last upgrade that this process was asked for, as long as it serves. */
  readonly upgrade?: { readonly state: 'under-way' | 'failed'; readonly reason?: string | undefined } | undefined;
  readonly activeCalls: number;
  /** Those of them that another node, or another process of this machine, began. */
  readonly relayedCalls: number;
  readonly listeners: readonly ListenerView[];
  readonly mediaWorkers: readonly MediaWorkerView[];
}

export interface ListenerView {
  readonly name: string;
  readonly transport: string;
  /** `10.1.0.5:5061`, as bound. */
  readonly address: string;
}

export interface MediaWorkerView {
  readonly alive: boolean;
  readonly driver: string | undefined;
  readonly sessions: number;
}

/** A binding of a phone that has not expired. */
export interface RegistrationView {
  readonly aor: string;
  readonly contact: string;
  readonly listener: string;
  readonly expiresAt: EpochMillis;
  /** Its connection is open: calls reach it. */
  readonly alive: boolean;
  readonly userAgent: string | undefined;
}

/** What was ended of a user that may not stand. */
export interface UserStandingView {
  readonly stands: boolean;
  readonly registrations: number;
  readonly subscriptions: number;
}

export interface RouteTestQuery {
  /** `alice`, `alice@pbx.test`, `pbx:main`, `trunk:carrier`. */
  readonly from: string;
  /** A number, a name or a URI. */
  readonly to: string;
  /** What From says, where it is not the user's own name. */
  readonly caller?: string | undefined;
  /** Where it comes in. */
  readonly listener?: string | undefined;
  /** From which address; without it and `zone` nothing is known of where the caller is. */
  readonly source?: string | undefined;
  /** From this zone, wherever that is. */
  readonly zone?: string | undefined;
  /** When; absent: now. */
  readonly at?: EpochMillis | undefined;
}

export interface RouteTestView {
  readonly from: string;
  readonly to: string;
  readonly listener: string;
  /** Each question that was asked and its answer, routes that were passed over among them. */
  readonly trace: readonly RuleTrace[];
  readonly refusal?: Pick<Refusal, 'code' | 'status' | 'text' | 'detail'> | undefined;
  /** Those of one stage at the same time, the stages one after the other. */
  readonly stages: readonly (readonly RoutedTarget[])[];
}

export interface RoutedTarget {
  readonly target: string;
  readonly requestUri: string;
  readonly from: string;
  readonly to: string;
  readonly assertedIdentity?: string | undefined;
  readonly nextHop: string;
}
