// Runs the mid-registrar of one PBX: its REGISTERs over the user agent, its timers, and the phones that wait for what the PBX says.
// What we register is ours: a token for the AoR that stays the same over restarts, so that the PBX never holds two of them, and by
// which its calls come back to the AoR's phones. A challenge of the PBX is answered or is a failure; no phone ever sees it.
import type { Millis } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Random } from '../core/random.ts';
import type { Scheduler, Timer } from '../core/scheduler.ts';
import { contactExpires, contacts, parseSeconds } from '../sip/message/header-fields.ts';
import { Headers } from '../sip/message/headers.ts';
import type { SipResponse } from '../sip/message/message.ts';
import { formatUri, noParameters, parseUri, type Uri } from '../sip/message/uri.ts';
import type { CallFailure, ChallengeAnswerer, Destination, OutsideRequester } from '../sip/user-agent/session.ts';
import type { MidInput, MidOutput, PbxAnswer } from './mid-event.ts';
import { defaultMidLimits, type MidLimits, MidRegistrar } from './mid-registrar.ts';

/** How a PBX is told to reach phones through us. */
export interface ForwardTarget {
  readonly name: string;
  readonly destination: Destination;
  /** As they are configured now. */
  readonly credentials: () => ChallengeAnswerer | undefined;
  /** `contact`: the token is the user of our Contact. `path`: it stands in Path (RFC 3327), and the Contact names the user. */
  readonly by: 'contact' | 'path';
}

export interface ForwardingParts {
  readonly userAgent: OutsideRequester;
  readonly target: ForwardTarget;
  /** Keyed, and the same in each run of the process. */
  readonly tokenOf: (aor: string) => string;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits?: MidLimits;
}

/** A phone that waits longer for the PBX is told 504. Shorter than its own transaction (64 · T1). */
export const forwardDeadline: Millis = 8_000;

export class Forwarding {
  readonly #parts: ForwardingParts;
  readonly #machine: MidRegistrar;
  readonly #timers = new Map<string, Timer>();
  readonly #waiting = new Map<string, Set<(status: number | undefined) => void>>();
  /** AoRs by their token. */
  readonly #aors = new Map<string, string>();
  readonly #inputs: MidInput[] = [];
  #isBusy = false;
  #isClosed = false;

  constructor(parts: ForwardingParts) {
    this.#parts = parts;
    this.#machine = new MidRegistrar(parts.random, parts.limits ?? defaultMidLimits);
  }

  /** AoRs that the PBX knows through us, or is being told of. */
  get size(): number {
    return this.#machine.size;
  }

  /** Phones are bound to `aor`, the last for `lifetime`. Undefined once the PBX has it, else the status of its refusal. */
  bound(aor: string, lifetime: Millis): Promise<number | undefined> {
    return new Promise((resolve) => {
      const settle = (status: number | undefined): void => {
        deadline.cancel();
        waiting.delete(settle);
        if (waiting.size === 0 && this.#waiting.get(aor) === waiting) this.#waiting.delete(aor);
        resolve(status);
      };
      const waiting = this.#waiting.get(aor) ?? new Set();
      const deadline = this.#parts.scheduler.after(forwardDeadline, () => settle(504));
      this.#waiting.set(aor, waiting.add(settle));
      this.#aors.set(this.#parts.tokenOf(aor), aor);
      this.#feed({ type: 'bound', aor, lifetime });
    });
  }

  unbound(aor: string): void {
    this.#aors.delete(this.#parts.tokenOf(aor));
    this.#feed({ type: 'unbound', aor });
  }

  /** The AoR that a token of ours stands for, while phones are registered under it. */
  aorOf(token: string): string | undefined {
    return this.#aors.get(token);
  }

  /** Registrations are no longer forwarded: what the PBX has is taken back. */
  withdraw(): void {
    this.#aors.clear();
    this.#feed({ type: 'withdraw' });
  }

  /** Forgets everything without a word: the process ends, and phones will come back to the next one. */
  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    for (const waiting of [...this.#waiting.values()]) for (const settle of [...waiting]) settle(503);
  }

  /** One input, then its outputs, then the next. */
  #feed(input: MidInput): void {
    if (this.#isClosed) return;
    this.#inputs.push(input);
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      for (const output of this.#machine.handle(next)) this.#carryOut(output);
    }
    this.#isBusy = false;
  }

  #carryOut(output: MidOutput): void {
    const { logger, scheduler } = this.#parts;
    switch (output.type) {
      case 'start': {
        const { key, after } = output;
        this.#timers.get(key)?.cancel();
        const fire = (): void => {
          this.#timers.delete(key);
          this.#feed({ type: 'timer', key });
        };
        this.#timers.set(key, scheduler.after(after, fire));
        break;
      }
      case 'stop':
        this.#timers.get(output.key)?.cancel();
        this.#timers.delete(output.key);
        break;
      case 'settled':
        for (const settle of [...(this.#waiting.get(output.aor) ?? [])]) settle(output.status);
        break;
      case 'register':
        this.#register(output);
        break;
      case 'probe':
        this.#send(output.aor, {}, Headers.empty, (answer) => this.#feed({ type: 'probed', answer }));
        break;
      case 'told':
        logger.warn(`pbx-${output.what}`, { pbx: this.#parts.target.name, registrations: this.#machine.size });
        break;
      case 'refused':
        logger.warn('pbx-refused-registration', {
          pbx: this.#parts.target.name,
          aor: output.aor,
          status: output.status,
        });
        break;
      default:
        output satisfies never;
    }
  }

  #register({ aor, callId, sequence, seconds }: Extract<MidOutput, { readonly type: 'register' }>): void {
    const { by } = this.#parts.target;
    const fields: [string, string][] = [
      ['Contact', `<${this.#contact(aor)}>;expires=${seconds}`],
      ['Expires', String(seconds)],
    ];
    if (by === 'path') {
      const { destination } = this.#parts.target;
      const us = this.#parts.userAgent.contactFor(destination, this.#parts.tokenOf(aor));
      fields.push(['Path', `${us.slice(0, -1)};lr>`], ['Supported', 'path']);
    }
    this.#send(aor, { callId, sequence }, Headers.of(...fields), (answer) =>
      this.#feed({ type: 'answered', aor, answer }),
    );
  }

  #send(
    aor: string,
    sequence: { readonly callId?: string; readonly sequence?: number },
    headers: Headers,
    tell: (answer: PbxAnswer) => void,
  ): void {
    const { destination, credentials } = this.#parts.target;
    const at = aor.lastIndexOf('@');
    const address = formatUri({
      scheme: 'sip',
      user: aor.slice(0, at),
      host: aor.slice(at + 1),
      parameters: noParameters,
    });
    this.#parts.userAgent.request(
      {
        method: 'REGISTER',
        destination,
        requestUri: `sip:${aor.slice(at + 1)}`,
        from: `<${address}>`,
        to: `<${address}>`,
        headers,
        credentials: credentials(),
        ...sequence,
      },
      {
        onFinal: (response) => tell(this.#answerOf(aor, response)),
        onFailed: (failure) => tell(failureOf(failure)),
      },
    );
  }

  #answerOf(aor: string, response: SipResponse): PbxAnswer {
    const { status, headers } = response;
    if (status < 300) {
      const ours = this.#ourContact(aor, headers);
      const seconds = ours ?? parseSeconds(headers.get('Expires')) ?? defaultMidLimits.seconds;
      return { kind: 'accepted', seconds, holds: ours !== undefined };
    }
    if (status === 423) return { kind: 'too-brief', minExpires: parseSeconds(headers.get('Min-Expires')) ?? 0 };
    if (status === 401 || status === 407) {
      this.#parts.logger.error('pbx-challenge-unanswered', { pbx: this.#parts.target.name, aor, status });
    }
    if (status === 408 || (status >= 500 && status < 600)) return { kind: 'failed', status: 500, isSilent: false };
    return { kind: 'refused', status: status < 400 || hopOnly.has(status) ? 500 : status };
  }

  /** How long the PBX holds what we registered for `aor`; undefined when it does not list it. */
  #ourContact(aor: string, headers: Headers): number | undefined {
    const listed = contacts(headers);
    const ours = parseUri(this.#contact(aor));
    if (!listed.ok || listed.value === '*' || !ours.ok) return undefined;
    const found = listed.value.find(({ uri }) => isSamePlace(uri, ours.value));
    return found === undefined ? undefined : contactExpires(found, headers, defaultMidLimits.seconds);
  }

  #contact(aor: string): string {
    const { userAgent, tokenOf, target } = this.#parts;
    const { by, destination } = target;
    const user = by === 'path' ? aor.slice(0, aor.lastIndexOf('@')) : tokenOf(aor);
    return userAgent.contactFor(destination, user).slice(1, -1);
  }
}

/** A registrar may add or drop parameters of a URI; user, host and port stay. */
function isSamePlace(a: Uri, b: Uri): boolean {
  if (a.scheme === 'tel' || a.scheme === 'other' || b.scheme === 'tel' || b.scheme === 'other') return false;
  return a.user === b.user && a.host === b.host && (a.port ?? 5060) === (b.port ?? 5060);
}

function failureOf({ cause }: CallFailure): PbxAnswer {
  return { kind: 'failed', status: 504, isSilent: cause === 'timeout' || cause === 'transport' };
}

/** Statuses that speak of our request to the PBX, not of the phone's. */
const hopOnly: ReadonlySet<number> = new Set([400, 401, 405, 407, 416, 420, 421, 430, 439, 481, 482, 483]);
