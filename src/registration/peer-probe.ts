// Pings one trunk or PBX by OPTIONS, as `TrunkHealth` says.
import type { Millis } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Random } from '../core/random.ts';
import type { Scheduler, Timer } from '../core/scheduler.ts';
import { Headers } from '../sip/message/headers.ts';
import { retryAfterOf } from '../sip/user-agent/retry-after.ts';
import type { Destination, OutsideRequester } from '../sip/user-agent/session.ts';
import { type HealthInput, type HealthTerms, TrunkHealth } from './trunk-health.ts';

export interface ProbeTarget {
  /** `trunk:carrier`, as logs name it. */
  readonly name: string;
  readonly destination: Destination;
  /** Its URI, which is the Request-URI too. */
  readonly uri: string;
  /** Host of our From towards it. */
  readonly identityHost: string;
}

export interface PeerProbeParts {
  readonly target: ProbeTarget;
  readonly terms: HealthTerms;
  readonly userAgent: OutsideRequester;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly onChanged?: ((peer: string, isUp: boolean) => void) | undefined;
}

export class PeerProbe {
  readonly #parts: PeerProbeParts;
  readonly #health: TrunkHealth;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(parts: PeerProbeParts) {
    this.#parts = parts;
    this.#health = new TrunkHealth(parts.terms);
    this.#take({ type: 'started', delay: firstDelay + parts.random.below(longestSpread) });
  }

  get isUp(): boolean {
    return this.#health.isUp;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #take(input: HealthInput): void {
    if (this.#isClosed) return;
    for (const output of this.#health.handle(input)) {
      switch (output.type) {
        case 'ping':
          this.#ping();
          break;
        case 'start':
          this.#timer = this.#parts.scheduler.after(output.delay, () => this.#take({ type: 'timer' }));
          break;
        case 'changed':
          this.#parts.logger.warn(output.isUp ? 'peer-up' : 'peer-down', { peer: this.#parts.target.name });
          this.#parts.onChanged?.(this.#parts.target.name, output.isUp);
          break;
        default:
          output satisfies never;
      }
    }
  }

  #ping(): void {
    const { userAgent, target } = this.#parts;
    const { destination, uri, identityHost } = target;
    const headers = Headers.of(['Contact', userAgent.contactFor(destination)], ['Accept', 'application/sdp']);
    const ends = { from: `<sip:ping@${identityHost}>`, to: `<${uri}>` };
    userAgent.request(
      { method: 'OPTIONS', destination, requestUri: uri, ...ends, headers },
      {
        onFinal: (response) =>
          this.#take(
            response.status === 503 ? { type: 'failed', retryAfter: retryAfterOf(response) } : { type: 'answered' },
          ),
        onFailed: () => this.#take({ type: 'failed' }),
      },
    );
  }
}

/** When the sockets are there; pings of many peers are spread. */
const firstDelay: Millis = 500;
const longestSpread: Millis = 5_000;
