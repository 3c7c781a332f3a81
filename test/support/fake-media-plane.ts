// A media plane without workers: it counts ports, notes every command, and fails or stays silent when it is told to.
import { err, ok, type Result } from '../../src/core/result.ts';
import type { MediaPlane, MediaSession, MediaTotals, MediaWorkerStatus } from '../../src/media/plane/media-plane.ts';
import type { MediaSnapshot } from '../../src/media/plane/media-snapshot.ts';
import type {
  DropReason,
  EndpointRemote,
  EndpointReport,
  EndpointSpec,
  MediaError,
  MediaErrorCode,
  MediaEvent,
  MediaReport,
  OpenedEndpoint,
} from '../../src/media/plane/messages.ts';

export type MediaCommand =
  | 'resume-session'
  | 'open-session'
  | 'open-endpoints'
  | 'set-remote'
  | 'join'
  | 'close-endpoints'
  | 'close';

export class FakeMediaPlane implements MediaPlane {
  /** Sessions that were ever opened, oldest first. */
  readonly sessions: FakeMediaSession[] = [];
  readonly workers: readonly MediaWorkerStatus[] = [];
  fingerprint: MediaPlane['fingerprint'] = { hash: 'sha-256', value: Array(32).fill('AB').join(':') };
  /** Commands that fail from now on, and how; those in `passes` succeed so many times before. */
  readonly failures = new Map<MediaCommand, MediaErrorCode>();
  readonly passes = new Map<MediaCommand, number>();
  /** While true, answers wait for `release`. */
  isSlow = false;
  #held: (() => void)[] = [];
  #nextPort = 20_000;

  openSession(label: string, onEvent: (event: MediaEvent) => void): Result<MediaSession, MediaError> {
    const session = new FakeMediaSession(this, `m${this.sessions.length + 1}`, label, onEvent);
    const failure = this.failureOf('open-session');
    if (failure === undefined) this.sessions.push(session);
    return failure ?? ok(session);
  }

  closeIdle(): void {}

  settle(): void {}

  /** The session of another plane, at the same ports; one whose ports are taken here is refused. */
  resumeSession(
    label: string,
    snapshot: MediaSnapshot,
    onEvent: (event: MediaEvent) => void,
  ): Promise<Result<MediaSession, MediaError>> {
    const session = new FakeMediaSession(this, `m${this.sessions.length + 1}`, label, onEvent);
    const failure = this.failureOf('resume-session');
    if (failure !== undefined) return this.answer(failure);
    const taken = new Set(this.open.flatMap(({ endpoints }) => [...endpoints.values()].map(({ rtpPort }) => rtpPort)));
    const clash = snapshot.endpoints.find(({ rtpPort }) => taken.has(rtpPort));
    if (clash !== undefined) return this.answer(err({ code: 'no-ports', detail: `${clash.rtpPort} is taken` }));
    session.resume(snapshot);
    for (const { rtpPort } of snapshot.endpoints) this.#nextPort = Math.max(this.#nextPort, rtpPort + 2);
    this.sessions.push(session);
    return this.answer(ok(session));
  }

  get open(): readonly FakeMediaSession[] {
    return this.sessions.filter((session) => session.isOpen);
  }

  get activeSessions(): number {
    return this.open.length;
  }

  get portsInUse(): number {
    return this.open.reduce((ports, session) => ports + session.ports, 0);
  }

  stats(): MediaTotals {
    const none = { packets: 0, bytes: 0 };
    return {
      received: none,
      sent: none,
      dropped: noDrops(),
      sessionsOpened: 0,
      sessionsLost: 0,
      workersLost: 0,
      faults: 0,
    };
  }

  close(): Promise<void> {
    this.loseAll();
    return Promise.resolve();
  }

  /** The worker is gone, and every session with it. */
  loseAll(): void {
    for (const session of this.open) session.lose();
  }

  /** Lets the answers go that were held back, and answers at once from now on. */
  release(): void {
    this.isSlow = false;
    const held = this.#held;
    this.#held = [];
    for (const answer of held) answer();
  }

  /** A port and the one above it. */
  takePorts(): number {
    this.#nextPort += 2;
    return this.#nextPort - 2;
  }

  failureOf(command: MediaCommand): { readonly ok: false; readonly error: MediaError } | undefined {
    const code = this.failures.get(command);
    const passes = this.passes.get(command) ?? 0;
    if (code !== undefined && passes > 0) {
      this.passes.set(command, passes - 1);
      return undefined;
    }
    return code === undefined ? undefined : err({ code, detail: `${command} fails by order` });
  }

  answer<T>(value: T): Promise<T> {
    if (!this.isSlow) return Promise.resolve(value);
    return new Promise((resolve) => this.#held.push(() => resolve(value)));
  }
}

export class FakeMediaSession implements MediaSession {
  readonly id: string;
  readonly label: string;
  readonly #plane: FakeMediaPlane;
  readonly #onEvent: (event: MediaEvent) => void;
  readonly endpoints = new Map<number, OpenedEndpoint>();
  /** What each endpoint was told last of its peer. */
  readonly remotes = new Map<number, EndpointRemote>();
  /** How often an endpoint was told of its peer. */
  remoteCommands = 0;
  readonly partners = new Map<number, number>();
  isPaused = false;
  isOpen = true;
  #report: Promise<MediaReport> | undefined;
  #next = 0;
  /** Undefined: something has changed. */
  #state: string | undefined;

  constructor(plane: FakeMediaPlane, id: string, label: string, onEvent: (event: MediaEvent) => void) {
    this.#plane = plane;
    this.id = id;
    this.label = label;
    this.#onEvent = onEvent;
  }

  get ports(): number {
    let ports = 0;
    for (const { rtcpPort } of this.endpoints.values()) ports += rtcpPort === undefined ? 1 : 2;
    return ports;
  }

  /** As a worker tells it: when something has changed, and not when somebody asks. */
  get state(): string {
    this.#state ??= JSON.stringify(this.#snapshot());
    return this.#state;
  }

  snapshot(): Promise<Result<MediaSnapshot, MediaError>> {
    return this.#plane.answer(ok(this.#snapshot()));
  }

  /** As another session of a plane like this one told it. */
  resume({ endpoints, joined, nextEndpoint, isPaused }: MediaSnapshot): void {
    this.#state = undefined;
    this.#next = nextEndpoint - 1;
    this.isPaused = isPaused;
    for (const { endpoint, address, rtpPort, rtcpPort, remote } of endpoints) {
      this.endpoints.set(endpoint, { endpoint, address, rtpPort, rtcpPort: rtcpPort ?? undefined });
      if (remote !== null) this.remotes.set(endpoint, remote);
    }
    for (const [a, b] of joined) {
      this.partners.set(a, b);
      this.partners.set(b, a);
    }
  }

  /** No keys: this plane protects nothing. */
  #snapshot(): MediaSnapshot {
    const none = { receive: null, send: null };
    const endpoints = [...this.endpoints.values()].map(({ endpoint, address, rtpPort, rtcpPort }) => {
      const remote = this.remotes.get(endpoint);
      return {
        endpoint,
        address,
        rtpPort,
        rtcpPort: rtcpPort ?? null,
        remote: remote === undefined ? null : { ...remote, receive: undefined, send: undefined },
        keys: none,
        rtcpKeys: none,
        keyedBy: null,
        rtcpKeyedBy: null,
        latched: null,
        rtcpLatched: null,
        sources: [],
        report: reportOf(endpoint),
      };
    });
    const joined = [...this.partners].filter(([a, b]) => a < b);
    return { version: 2, endpoints, joined, nextEndpoint: this.#next + 1, isPaused: this.isPaused, closed: [] };
  }

  openEndpoints(specs: readonly EndpointSpec[]): Promise<Result<readonly OpenedEndpoint[], MediaError>> {
    const failure = this.#failure('open-endpoints');
    if (failure !== undefined) return this.#plane.answer(failure);
    this.#state = undefined;
    const opened = specs.map(({ address, rtcpMux }): OpenedEndpoint => {
      this.#next += 1;
      const rtpPort = this.#plane.takePorts();
      const endpoint = { endpoint: this.#next, address, rtpPort, rtcpPort: rtcpMux ? undefined : rtpPort + 1 };
      this.endpoints.set(this.#next, endpoint);
      return endpoint;
    });
    return this.#plane.answer(ok(opened));
  }

  setRemote(endpoint: number, remote: EndpointRemote): void {
    this.#command('set-remote', endpoint, () => {
      this.remotes.set(endpoint, remote);
      this.remoteCommands += 1;
    });
  }

  join(a: number, b: number): void {
    this.#command('join', a, () => {
      for (const end of [a, b]) {
        const former = this.partners.get(end);
        if (former !== undefined) this.partners.delete(former);
      }
      this.partners.set(a, b);
      this.partners.set(b, a);
    });
  }

  closeEndpoints(endpoints: readonly number[]): void {
    this.#command('close-endpoints', undefined, () => {
      for (const endpoint of endpoints) this.endpoints.delete(endpoint);
    });
  }

  pauseTimeout(paused: boolean): void {
    this.#state = undefined;
    this.isPaused = paused;
  }

  report(): Promise<MediaReport> {
    return this.#plane.answer({ endpoints: this.isOpen ? [...this.endpoints.keys()].map(reportOf) : [] });
  }

  close(): Promise<MediaReport> {
    const wasOpen = this.isOpen;
    this.isOpen = false;
    this.#report ??= this.#plane.answer({ endpoints: wasOpen ? [...this.endpoints.keys()].map(reportOf) : [] });
    return this.#report;
  }

  /** No packet came from either side for long enough. */
  timeOut(): void {
    this.#onEvent({ type: 'timeout' });
  }

  /** Media is expected at an endpoint, and no handshake has given keys for it. */
  failKeying(endpoint: number): void {
    this.#onEvent({ type: 'keying-failed', endpoint, reason: 'no DTLS handshake came to an end' });
  }

  /** The peer of an endpoint sends more than it may. */
  flood(endpoint: number): void {
    const { limit } = this.remotes.get(endpoint) ?? {};
    if (limit !== undefined) this.#onEvent({ type: 'over-limit', endpoint, limit });
  }

  /** Nothing comes from the peer of an endpoint, while the other one is heard. */
  silence(endpoint: number): void {
    this.#onEvent({ type: 'one-way', endpoint });
  }

  lose(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#onEvent({ type: 'lost', reason: 'the worker is gone by order' });
  }

  /** Carried out at once; what fails is told as late as answers are. */
  #command(command: MediaCommand, endpoint: number | undefined, run: () => void): void {
    if (!this.isOpen) return;
    this.#state = undefined;
    const isUnknown = endpoint !== undefined && !this.endpoints.has(endpoint);
    const unknown: MediaError = { code: 'unknown-endpoint', detail: String(endpoint) };
    const error = this.#failure(command)?.error ?? (isUnknown ? unknown : undefined);
    if (error === undefined) run();
    else void this.#plane.answer(error).then(() => this.isOpen && this.#onEvent({ type: 'failed', command, error }));
  }

  #failure(command: MediaCommand): { readonly ok: false; readonly error: MediaError } | undefined {
    if (!this.isOpen) return err({ code: 'worker-lost', detail: 'the session is over' });
    return this.#plane.failureOf(command);
  }
}

function reportOf(endpoint: number): EndpointReport {
  const count = { packets: 100, bytes: 17_200 };
  const none = { packets: 0, bytes: 0 };
  return {
    endpoint,
    received: count,
    sent: count,
    receivedRtcp: none,
    sentRtcp: none,
    dropped: noDrops(),
    lost: 0,
    jitter: 0,
    meanOpinionScore: 4.4,
    roundTrip: undefined,
    oneWay: false,
    latched: undefined,
  };
}

function noDrops(): Record<DropReason, number> {
  return {
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
}
