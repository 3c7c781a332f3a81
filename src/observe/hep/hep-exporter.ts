// SIP messages to Homer. A message is copied when it passes, and everything else happens later, a few at a time: a call never waits for
// it. What there is no room for, or nobody takes, is dropped and counted.
import type { Clock, EpochMillis, Millis } from '../../core/clock.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { MessageTap, WireMessage } from '../../sip/transport/transport.ts';
import { redacted } from '../trace/redaction.ts';
import { encodeHep } from './hep3.ts';

/** Where packets go. */
export interface HepSender {
  /** False: there is no room now; the same packet is offered again. `onFailed` runs at most once, for a packet that was taken. */
  send(packet: Buffer, onFailed: () => void): boolean;
  /** Resolves when what was taken is gone, or some time has passed. */
  close(): Promise<void>;
}

export interface HepExporterOptions {
  readonly sender: HepSender;
  readonly node: string;
  readonly captureId: number;
  readonly password: string;
  /** Keys and digest responses stay in. */
  readonly withSecrets: boolean;
  /** Bytes of messages that wait. */
  readonly queueBytes: number;
  readonly scheduler: Scheduler;
}

export const hepDropReasons = ['queue-full', 'too-large', 'send-failed'] as const;
export type HepDropReason = (typeof hepDropReasons)[number];

export interface HepCounts {
  readonly sent: number;
  readonly dropped: Readonly<Record<HepDropReason, number>>;
}

/** Messages wait so long, so that those of a moment go together; so many are encoded in one turn of the event loop. */
export const hepGather: Millis = 50;
export const hepAtOnce = 64;
/** Until a sender that had no room is asked again. */
const hepPatience: Millis = 200;
/** Dialogs whose call is known by name. */
const rememberedDialogs = 40_000;

interface Waiting {
  readonly at: EpochMillis;
  readonly callId: string;
  readonly message: WireMessage;
}

export class HepExporter implements MessageTap {
  readonly #options: HepExporterOptions;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #timer: Timer | undefined;
  #isClosed = false;
  #sent = 0;
  readonly #dropped: Record<HepDropReason, number> = { 'queue-full': 0, 'too-large': 0, 'send-failed': 0 };
  /** The Call-ID that a call began with, by its name, and by each Call-ID of its legs; the oldest first. */
  readonly #firsts = new Map<string, string>();
  readonly #correlations = new Map<string, string>();

  constructor(options: HepExporterOptions) {
    this.#options = options;
    this.#clock = options.scheduler.clock;
  }

  get counts(): HepCounts {
    return { sent: this.#sent, dropped: { ...this.#dropped } };
  }

  onSipMessage(callId: string, message: WireMessage): void {
    if (this.#isClosed) return;
    const size = message.bytes.length;
    if (this.#waitingBytes + size > this.#options.queueBytes) {
      this.#dropped['queue-full'] += 1;
      return;
    }
    // The bytes belong to the transport, and a part of a message would keep all of it in memory.
    const bytes = Uint8Array.prototype.slice.call(message.bytes);
    this.#waiting.push({
      at: this.#clock.wall(),
      callId: Buffer.from(callId).toString(),
      message: { ...message, bytes },
    });
    this.#waitingBytes += size;
    this.#flushAfter(hepGather);
  }

  /** All legs of a call are told under the Call-ID of its first one, which Homer has seen already. */
  belongs(call: string, callId: string): void {
    const name = Buffer.from(callId).toString();
    const first = this.#firsts.get(call) ?? name;
    this.#firsts.set(call, first);
    this.#correlations.set(name, first);
    forgetOldest(this.#firsts);
    forgetOldest(this.#correlations);
  }

  /** What waits is offered once more; nothing is taken any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    while (this.#waiting.length > 0) if (!this.#sendSome()) break;
    this.#dropped['send-failed'] += this.#waiting.length;
    this.#waiting = [];
    await this.#options.sender.close();
  }

  #flushAfter(delay: Millis): void {
    this.#timer ??= this.#options.scheduler.after(delay, () => {
      this.#timer = undefined;
      const isTaken = this.#sendSome();
      if (this.#waiting.length > 0) this.#flushAfter(isTaken ? 0 : hepPatience);
    });
  }

  /** False when the sender had no room. */
  #sendSome(): boolean {
    const { sender } = this.#options;
    const some = this.#waiting.slice(0, hepAtOnce);
    let done = 0;
    let isTaken = true;
    for (const waiting of some) {
      const packet = this.#packetOf(waiting);
      if (packet === undefined) this.#dropped['too-large'] += 1;
      else {
        isTaken = sender.send(packet, () => {
          this.#sent -= 1;
          this.#dropped['send-failed'] += 1;
        });
        if (!isTaken) break;
        this.#sent += 1;
      }
      done += 1;
      this.#waitingBytes -= waiting.message.bytes.length;
    }
    this.#waiting.splice(0, done);
    return isTaken;
  }

  #packetOf({ at, callId, message }: Waiting): Buffer | undefined {
    const { node, captureId, password, withSecrets } = this.#options;
    const { direction, transport, local, remote, bytes } = message;
    const [source, target] = direction === 'in' ? [remote, local] : [local, remote];
    return encodeHep({
      at,
      transport,
      source,
      target,
      correlationId: this.#correlations.get(callId) ?? callId,
      captureId,
      node,
      password,
      payload: withSecrets ? bytes : redacted(bytes),
    });
  }
}

function forgetOldest(map: Map<string, string>): void {
  const [oldest] = map.keys();
  if (map.size > rememberedDialogs && oldest !== undefined) map.delete(oldest);
}
