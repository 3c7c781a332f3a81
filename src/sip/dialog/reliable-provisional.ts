// Provisional responses that must arrive (RFC 3262). Pure: the sender's side repeats one until its PRACK comes and holds the
// next ones back, the receiver's side tells what is new from copies and gaps. Timers are outputs.
import type { Millis } from '../../core/clock.ts';
import { parseSeconds } from '../message/header-fields.ts';
import type { Headers } from '../message/headers.ts';
import type { SipResponse } from '../message/message.ts';
import type { SipTimers } from '../transaction/timers.ts';

/** The option tag in Supported and Require. */
export const reliableTag = '100rel';

/** Provisionals that wait for the PRACK of the one before; more are left out: the caller hears the newest state all the same. */
export const maxWaitingProvisionals = 8;

const maxSequence = 2 ** 31 - 1;

export type ReliableOutput =
  | { readonly type: 'send'; readonly response: SipResponse }
  | { readonly type: 'start'; readonly delay: Millis }
  | { readonly type: 'stop' }
  /** No PRACK within 64 · T1: the INVITE deserves a 5xx (§3). */
  | { readonly type: 'failed' };

/** What a PRACK acknowledges (§7.2). */
export interface ResponseNumber {
  readonly sequence: number;
  readonly cseq: number;
  readonly method: string;
}

/** The side that sends provisionals to one INVITE in one early dialog (§3). */
export class ReliableSender {
  readonly #timers: Pick<SipTimers, 't1'>;
  readonly #inviteSequence: number;
  #sequence: number;
  #unacknowledged: SipResponse | undefined;
  readonly #waiting: SipResponse[] = [];
  #interval: Millis = 0;
  #waited: Millis = 0;

  /** `first`: the RSeq to begin with, chosen at random from 1 to 2³¹ − 1. */
  constructor(timers: Pick<SipTimers, 't1'>, inviteSequence: number, first: number) {
    this.#timers = timers;
    this.#inviteSequence = inviteSequence;
    this.#sequence = first - 1;
  }

  /** True while something waits for its PRACK. */
  get isWaiting(): boolean {
    return this.#unacknowledged !== undefined;
  }

  /** Only one at a time may be without its PRACK. */
  send(response: SipResponse): readonly ReliableOutput[] {
    if (this.#unacknowledged === undefined) return this.#begin(response);
    if (this.#waiting.length < maxWaitingProvisionals) this.#waiting.push(response);
    return [];
  }

  /** Undefined when it acknowledges nothing that is out: it deserves a 481. */
  acknowledge({ sequence, cseq, method }: ResponseNumber): readonly ReliableOutput[] | undefined {
    const matches = sequence === this.#sequence && cseq === this.#inviteSequence && method === 'INVITE';
    if (this.#unacknowledged === undefined || !matches) return undefined;
    this.#unacknowledged = undefined;
    const next = this.#waiting.shift();
    return next === undefined ? [{ type: 'stop' }] : [{ type: 'stop' }, ...this.#begin(next)];
  }

  /** The interval is over: it doubles without limit, for 64 · T1 in all. */
  timer(): readonly ReliableOutput[] {
    if (this.#unacknowledged === undefined) return [];
    this.#waited += this.#interval;
    const left = 64 * this.#timers.t1 - this.#waited;
    if (left <= 0) {
      this.stop();
      return [{ type: 'failed' }];
    }
    this.#interval = Math.min(2 * this.#interval, left);
    return [
      { type: 'send', response: this.#unacknowledged },
      { type: 'start', delay: this.#interval },
    ];
  }

  /** The INVITE has its final answer: nothing is repeated any more. */
  stop(): readonly ReliableOutput[] {
    this.#unacknowledged = undefined;
    this.#waiting.length = 0;
    return [{ type: 'stop' }];
  }

  #begin(response: SipResponse): readonly ReliableOutput[] {
    this.#sequence = this.#sequence >= maxSequence ? 1 : this.#sequence + 1;
    const headers = response.headers.append('Require', reliableTag).append('RSeq', String(this.#sequence));
    const numbered = { ...response, headers };
    this.#unacknowledged = numbered;
    this.#interval = this.#timers.t1;
    this.#waited = 0;
    return [
      { type: 'send', response: numbered },
      { type: 'start', delay: this.#interval },
    ];
  }
}

/** The side that receives them in one early dialog (§4). */
export class ReliableReceiver {
  #last: number | undefined;

  /** True for the next in order, which must be acknowledged and heard; a copy, or one after a gap, is dropped. */
  isNext(sequence: number): boolean {
    if (this.#last !== undefined && sequence !== this.#last + 1) return false;
    this.#last = sequence;
    return true;
  }
}

/** The RSeq of a provisional that must be acknowledged; undefined for any other. */
export function reliableSequence({ status, headers }: SipResponse): number | undefined {
  if (status <= 100 || status >= 200 || !hasOption(headers, 'Require', reliableTag)) return undefined;
  const sequence = parseSeconds(headers.get('RSeq'));
  return sequence === undefined || sequence === 0 ? undefined : sequence;
}

/** The RAck of a PRACK; undefined when it cannot be read. */
export function acknowledgedNumber(headers: Headers): ResponseNumber | undefined {
  const [first, second, method, ...rest] = (headers.get('RAck') ?? '').trim().split(/[ \t]+/);
  const sequence = parseSeconds(first);
  const cseq = parseSeconds(second);
  if (sequence === undefined || cseq === undefined || method === undefined || rest.length > 0) return undefined;
  return { sequence, cseq, method };
}

/** Whether Supported, Require or Allow names it. */
export function hasOption(headers: Headers, name: 'Supported' | 'Require' | 'Allow', option: string): boolean {
  const wanted = option.toLowerCase();
  return headers.values(name).some((value) => value.toLowerCase() === wanted);
}
