// The media session of one call, opened when the first endpoint is asked for and closed once. Answers of a session that
// was closed meanwhile are dropped: what it had opened is closed with it.
import { err, ok, type Result } from '../core/result.ts';
import type { MediaPlane, MediaSession } from '../media/plane/media-plane.ts';
import { readMediaSnapshot } from '../media/plane/media-snapshot.ts';
import type {
  EndpointRemote,
  EndpointSpec,
  HeaderCapture,
  MediaError,
  MediaEvent,
  MediaReport,
  OpenedEndpoint,
} from '../media/plane/messages.ts';

type Opened = Result<readonly OpenedEndpoint[], MediaError>;

export interface CallMediaHearers {
  onEvent(event: MediaEvent): void;
  /** The headers of its first packets, once, when it is closed; not where there are none. */
  onCaptured(captures: readonly HeaderCapture[]): void;
}

export class CallMedia {
  readonly #plane: MediaPlane;
  readonly #label: string;
  readonly #hearers: CallMediaHearers;
  #session: Result<MediaSession, MediaError> | undefined;
  /** What it is resumed from … */
  #resumed: string | undefined;
  /** … and what was asked of it meanwhile; undefined: it is not being resumed. */
  #waiting: ((session: Result<MediaSession, MediaError>) => void)[] | undefined;
  #closed = false;

  constructor(plane: MediaPlane, label: string, hearers: CallMediaHearers) {
    this.#plane = plane;
    this.#label = label;
    this.#hearers = hearers;
  }

  /** `onResult` runs later, and not at all when it was closed meanwhile. */
  open(specs: readonly EndpointSpec[], onResult: (result: Opened) => void): void {
    if (this.#waiting === undefined)
      this.#session ??= this.#plane.openSession(this.#label, (event) => this.#tell(event));
    this.#with((session) => {
      const opened = session.ok ? session.value.openEndpoints(specs) : Promise.resolve(session);
      void opened.then((result) => {
        if (!this.#closed) onResult(result);
      });
    });
  }

  /** `onResumed` runs once: true where the media goes on but was not told of its peers any more, or with why it cannot. */
  resume(state: string | undefined, onResumed: (result: Result<{ readonly isBehind: boolean }, string>) => void): void {
    this.#resumed = state;
    const snapshot = state === undefined ? undefined : readMediaSnapshot(JSON.parse(state));
    if (snapshot === undefined) {
      onResumed(err('nothing is known of its media'));
      return;
    }
    const isBehind = snapshot.endpoints.some(({ remote }) => remote === null);
    this.#waiting = [];
    void this.#plane
      .resumeSession(this.#label, snapshot, (event) => this.#tell(event))
      .then((session) => {
        this.#session = session;
        const waiting = this.#waiting ?? [];
        this.#waiting = undefined;
        for (const run of waiting) run(session);
        if (this.#closed) return;
        onResumed(session.ok ? ok({ isBehind }) : err(`${session.error.code}: ${session.error.detail}`));
      });
  }

  /** What another process could go on from; undefined: nothing yet. */
  get state(): string | undefined {
    return (this.#session?.ok === true ? this.#session.value.state : undefined) ?? this.#resumed;
  }

  setRemote(endpoint: number, remote: EndpointRemote): void {
    this.#command((session) => session.setRemote(endpoint, remote));
  }

  join(a: number, b: number): void {
    this.#command((session) => session.join(a, b));
  }

  closeEndpoints(endpoints: readonly number[]): void {
    this.#command((session) => session.closeEndpoints(endpoints));
  }

  pauseTimeout(paused: boolean): void {
    this.#command((session) => session.pauseTimeout(paused));
  }

  /** The account until now. */
  async report(): Promise<MediaReport> {
    const session = this.#session;
    return session?.ok === true && !this.#closed ? session.value.report() : { endpoints: [] };
  }

  /** `onReport` runs exactly once; with an empty report when nothing was ever opened. */
  close(onReport: (report: MediaReport) => void): void {
    this.#closed = true;
    if (this.#session === undefined && this.#waiting === undefined) {
      onReport({ endpoints: [] });
      return;
    }
    this.#with((session) => {
      const closed = session.ok ? session.value.close() : Promise.resolve<MediaReport>({ endpoints: [] });
      void closed.then((report) => {
        if (report.captures !== undefined) this.#hearers.onCaptured(report.captures);
        onReport(report);
      });
    });
  }

  #tell(event: MediaEvent): void {
    if (!this.#closed) this.#hearers.onEvent(event);
  }

  #command(run: (session: MediaSession) => void): void {
    this.#with((session) => {
      if (session.ok && !this.#closed) run(session.value);
    });
  }

  /** At once, or when it is resumed; never without a session. */
  #with(run: (session: Result<MediaSession, MediaError>) => void): void {
    if (this.#session !== undefined) run(this.#session);
    else this.#waiting?.push(run);
  }
}
