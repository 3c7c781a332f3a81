// Registers with one trunk, as `TrunkRegistration` says. Our Contact is a token that only its registrar knows, or stands for all
// numbers that the registrar holds for us (RFC 6140).

import type { Logger } from '../core/logger.ts';
import { type Random, token } from '../core/random.ts';
import type { Scheduler, Timer } from '../core/scheduler.ts';
import { contactExpires, contacts, parseSeconds } from '../sip/message/header-fields.ts';
import { Headers } from '../sip/message/headers.ts';
import type { SipResponse } from '../sip/message/message.ts';
import { sequencesOfRequest } from '../sip/user-agent/outside-request.ts';
import { retryAfterOf } from '../sip/user-agent/retry-after.ts';
import type { ChallengeAnswerer, Destination, OutsideRequester } from '../sip/user-agent/session.ts';
import { type RegistrationInput, TrunkRegistration } from './trunk-registration.ts';

export interface RegisteringTrunkParts {
  readonly name: string;
  readonly destination: Destination;
  /** `sip:HOST[:PORT]` of the registrar. */
  readonly registrar: string;
  /** The address of record: `sip:ACCOUNT@HOST`. */
  readonly address: string;
  /** User part of our Contact; undefined: it stands for every number that the registrar holds for us (RFC 6140). */
  readonly contactUser: string | undefined;
  readonly seconds: number;
  readonly credentials: () => ChallengeAnswerer | undefined;
  readonly userAgent: OutsideRequester;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
}

export class RegisteringTrunk {
  readonly #parts: RegisteringTrunkParts;
  readonly #machine: TrunkRegistration;
  readonly #callId: string;
  #sequence = 1;
  #timer: Timer | undefined;
  #isClosed = false;
  #isWithdrawing = false;

  constructor(parts: RegisteringTrunkParts) {
    this.#parts = parts;
    this.#machine = new TrunkRegistration(parts.seconds, parts.random);
    this.#callId = token(parts.random, 16);
    this.#take({ type: 'started', delay: firstDelay + parts.random.below(longestSpread) });
  }

  get isRegistered(): boolean {
    return this.#machine.isRegistered;
  }

  /** What was taken back is not answered yet; a registrar challenges that as it does everything. */
  get isWithdrawing(): boolean {
    return this.#isWithdrawing;
  }

  /** Takes back what is registered, and asks for no more. */
  withdraw(): void {
    if (this.#machine.isRegistered && !this.#isClosed) {
      this.#isWithdrawing = true;
      this.#register(0);
    }
    this.close();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #take(input: RegistrationInput): void {
    if (this.#isClosed) return;
    const { scheduler, logger, name } = this.#parts;
    for (const output of this.#machine.handle(input, scheduler.clock.now())) {
      switch (output.type) {
        case 'register':
          this.#register(output.seconds);
          break;
        case 'start':
          this.#timer = scheduler.after(output.delay, () => this.#take({ type: 'timer' }));
          break;
        case 'changed':
          logger.warn(output.isRegistered ? 'trunk-registered' : 'trunk-unregistered', { trunk: name });
          break;
        default:
          output satisfies never;
      }
    }
  }

  #register(seconds: number): void {
    const { userAgent, destination, registrar, address, contactUser, credentials } = this.#parts;
    const sequence = this.#sequence;
    this.#sequence += sequencesOfRequest;
    const contact = userAgent.contactFor(destination, contactUser);
    const isBulk = contactUser === undefined;
    const headers = Headers.of(
      ['Contact', `${isBulk ? `${contact.slice(0, -1)};bnc>` : contact};expires=${seconds}`],
      ['Expires', String(seconds)],
      ...(isBulk ? bulkFields : []),
    );
    const ends = { from: `<${address}>`, to: `<${address}>`, callId: this.#callId, sequence };
    const settle = (input: RegistrationInput): void => {
      if (seconds === 0) this.#isWithdrawing = false;
      this.#take(input);
    };
    userAgent.request(
      { method: 'REGISTER', destination, requestUri: registrar, headers, credentials: credentials(), ...ends },
      {
        onFinal: (response) => settle(this.#outcomeOf(response, seconds)),
        onFailed: () => settle({ type: 'failed' }),
      },
    );
  }

  #outcomeOf(response: SipResponse, asked: number): RegistrationInput {
    const { status, headers } = response;
    if (status >= 200 && status < 300) return { type: 'granted', seconds: this.#grantedBy(headers, asked) };
    const minSeconds = parseSeconds(headers.get('Min-Expires'));
    if (status === 423 && minSeconds !== undefined) return { type: 'too-brief', minSeconds };
    const { logger, name } = this.#parts;
    logger.warn('trunk-registration-refused', { trunk: name, status });
    const retryAfter = retryAfterOf(response);
    const isOutOfOrder = status === 408 || (status >= 500 && status < 600);
    return { type: isOutOfOrder ? 'failed' : 'refused', retryAfter };
  }

  /** What it says of our Contact, else of all, else what we asked for (§10.2.4). */
  #grantedBy(headers: Headers, asked: number): number {
    const listed = contacts(headers);
    const { contactUser } = this.#parts;
    const ours =
      listed.ok && listed.value !== '*'
        ? listed.value.find(({ uri }) => {
            if (uri.scheme !== 'sip' && uri.scheme !== 'sips') return false;
            return contactUser === undefined ? uri.parameters.has('bnc') : uri.user === contactUser;
          })
        : undefined;
    if (ours !== undefined) return contactExpires(ours, headers, asked);
    return parseSeconds(headers.get('Expires')) ?? asked;
  }
}

/** A registrar that does not know bulk numbers must say so, and not take our Contact for one of an account (RFC 6140 §5.2). */
const bulkFields: readonly [string, string][] = [
  ['Require', 'gin'],
  ['Proxy-Require', 'gin'],
];

/** When the sockets are there; many trunks are spread. */
const firstDelay = 500;
const longestSpread = 2_000;
