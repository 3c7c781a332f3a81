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

type OnFailure = (detail: string) => void;

export interface CallMediaHearers {
  onEvent(event: MediaEvent): void;
  /** The headers of its first packets, once, when it is closed; not where there are none. */
  onCaptured(captures: readonly HeaderCapture[]): void;
}

export class CallMedia {
  readonly #plane: MediaPlane;
  readonly #label: string;
  readonly #hearers: CallMediaHearers;
  #session: Promise<Result<MediaSession, MediaError>> | undefined;
  #opened: MediaSession | undefined;
  /** What it was resumed from. */
  #resumed: string | undefined;
  #closed = false;

  constructor(plane: MediaPlane, label: string, hearers: CallMediaHearers) {
    this.#plane = plane;
    this.#label = label;
    this.#hearers = hearers;
  }

  open(
    specs: readonly EndpointSpec[],
    onResult: (result: Result<readonly OpenedEndpoint[], MediaError>) => void,
  ): void {
    this.#session ??= this.#begun(this.#plane.openSession(this.#label, (event) => this.#tell(event)));
    const opened = this.#session.then((session) => (session.ok ? session.value.openEndpoints(specs) : session));
    void opened.then((result) => {
      if (!this.#closed) onResult(result);
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
    this.#session = this.#begun(this.#plane.resumeSession(this.#label, snapshot, (event) => this.#tell(event)));
    const isBehind = snapshot.endpoints.some(({ remote }) => remote === null);
    void this.#session.then((session) => {
      if (this.#closed) return;
      const result = session.ok ? ok({ isBehind }) : err(`${session.error.code}: ${session.error.detail}`);
      onResumed(result);
    });
  }

  /** What another process could go on from; undefined: nothing yet. */
  get state(): string | undefined {
    return this.#opened?.state ?? this.#resumed;
  }

  #begun(session: Promise<Result<MediaSession, MediaError>>): Promise<Result<MediaSession, MediaError>> {
    void session.then((result) => {
      if (result.ok) this.#opened = result.value;
    });
    return session;
  }

  #tell(event: MediaEvent): void {
    if (!this.#closed) this.#hearers.onEvent(event);
  }

  setRemote(endpoint: number, remote: EndpointRemote, onFailure: OnFailure): void {
    this.#command((session) => session.setRemote(endpoint, remote), onFailure);
  }

  join(a: number, b: number, onFailure: OnFailure): void {
    this.#command((session) => session.join(a, b), onFailure);
  }

  closeEndpoints(endpoints: readonly number[], onFailure: OnFailure): void {
    this.#command((session) => session.closeEndpoints(endpoints), onFailure);
  }

  pauseTimeout(paused: boolean): void {
    void this.#session?.then((session) => session.ok && session.value.pauseTimeout(paused));
  }

  /** The account until now. */
  async report(): Promise<MediaReport> {
    const session = await this.#session;
    return session?.ok === true && !this.#closed ? session.value.report() : { endpoints: [] };
  }

  /** `onReport` runs exactly once; with an empty report when nothing was ever opened. */
  close(onReport: (report: MediaReport) => void): void {
    this.#closed = true;
    if (this.#session === undefined) {
      onReport({ endpoints: [] });
      return;
    }
    void this.#session
      .then((session) => (session.ok ? session.value.close() : { endpoints: [] }))
      .then((report) => {
        if (report.captures !== undefined) this.#hearers.onCaptured(report.captures);
        onReport(report);
      });
  }

  #command(run: (session: MediaSession) => Promise<Result<void, MediaError>>, onFailure: OnFailure): void {
    void this.#session?.then(async (session) => {
      if (!session.ok || this.#closed) return;
      const result = await run(session.value);
      if (!result.ok && !this.#closed) onFailure(`${result.error.code}: ${result.error.detail}`);
    });
  }
}
