// What the ladder of a call is drawn from: every SIP message of the last minutes as it was on the wire, found by the call that it
// belongs to. Messages of calls that the gate let pass, and those of everybody else, have a circle each: who floods us with
// requests that lead to nothing writes over his own. One Call-ID has a share of the circle of calls: whoever knows it can send with it.
import type { Clock } from '../../core/clock.ts';
import { ownText } from '../../core/own-text.ts';
import type { MessageTap, WireMessage } from '../../sip/transport/transport.ts';
import { MediaCaptures } from './media-captures.ts';
import { MessageRing, type TracedMessage } from './message-ring.ts';

export interface SignallingTraceOptions {
  /** Bytes for messages of calls; others have a quarter of it more. */
  readonly memory: number;
  readonly clock: Clock;
  /** Calls that are remembered by name. */
  readonly calls?: number | undefined;
}

export class SignallingTrace implements MessageTap {
  /** Of the media of calls that are over. */
  readonly captures: MediaCaptures;
  readonly #calls: MessageRing;
  readonly #others: MessageRing;
  readonly #clock: Clock;
  readonly #mostCalls: number;
  /** The SIP dialogs of a call by their Call-IDs, the call that began last at the end. */
  readonly #dialogs = new Map<string, string[]>();
  readonly #known = new Map<string, KnownDialog>();
  /** Bytes that one Call-ID may write over among those of calls. */
  readonly #share: number;

  constructor({ memory, clock, calls = rememberedCalls }: SignallingTraceOptions) {
    this.captures = new MediaCaptures(Math.ceil(memory / 4));
    this.#calls = new MessageRing(memory);
    this.#others = new MessageRing(Math.ceil(memory / 4));
    this.#share = Math.ceil(memory / shares);
    this.#clock = clock;
    this.#mostCalls = calls;
  }

  onSipMessage(callId: string, message: WireMessage): void {
    this.#write(callId, { at: this.#clock.wall(), ...message });
  }

  /** From now on messages with that Call-ID are of that call; those that came before are kept with it. */
  belongs(call: string, callId: string): void {
    const name = ownText(callId);
    const dialogs = this.#dialogs.get(call) ?? [];
    if (dialogs.length >= dialogsOfCall || dialogs.includes(name)) return;
    this.#dialogs.set(call, [...dialogs, name]);
    const known = this.#known.get(name);
    this.#known.set(name, { calls: (known?.calls ?? 0) + 1, bytes: known?.bytes ?? 0 });
    if (known === undefined) for (const message of this.#others.take(keyOf(name))) this.#write(name, message);
    this.#forgetOldest();
  }

  /** By the name of the call, or a Call-ID; in the order of time. Empty where nothing is left, or there was nothing. */
  messagesOf(name: string): readonly TracedMessage[] {
    const messages = (this.#dialogs.get(name) ?? [name]).flatMap((callId) => {
      const rings = this.#known.has(callId) ? [this.#calls, this.#others] : [this.#others];
      return rings.flatMap((ring) => ring.read(keyOf(callId))).filter((message) => carries(message, callId));
    });
    return messages.sort((one, other) => one.at - other.at);
  }

  /** The call that a name stands for: its own, or a Call-ID of one of its dialogs. */
  callOf(name: string): string {
    if (this.#dialogs.has(name)) return name;
    for (const [call, dialogs] of this.#dialogs) if (dialogs.includes(name)) return call;
    return name;
  }

  #write(callId: string, message: TracedMessage): void {
    const known = this.#known.get(callId);
    const isWithinShare = known !== undefined && known.bytes + message.bytes.length <= this.#share;
    if (isWithinShare) known.bytes += message.bytes.length;
    (isWithinShare ? this.#calls : this.#others).write(keyOf(callId), message);
  }

  #forgetOldest(): void {
    if (this.#dialogs.size <= this.#mostCalls) return;
    for (const [call, dialogs] of this.#dialogs) {
      this.#dialogs.delete(call);
      for (const callId of dialogs) this.#release(callId);
      return;
    }
  }

  #release(callId: string): void {
    const known = this.#known.get(callId);
    if (known === undefined) return;
    known.calls -= 1;
    if (known.calls === 0) this.#known.delete(callId);
  }
}

interface KnownDialog {
  /** In how many calls it is: a leg that is taken over is in two. */
  calls: number;
  /** Of its messages among those of calls. */
  bytes: number;
}

/** A sixteenth of the memory: hundreds of messages, and a flood takes the room of a few calls. */
const shares = 16;

const rememberedCalls = 20_000;
/** Legs of one call, forks and tries included, of which messages are kept. */
const dialogsOfCall = 32;

/** FNV-1a, 32 bits: where to look; whether it is the one is read from the message. */
function keyOf(callId: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let index = 0; index < callId.length; index += 1)
    hash = Math.imul(hash ^ callId.charCodeAt(index), 0x01_00_01_93);
  return hash >>> 0;
}

function carries({ bytes }: TracedMessage, callId: string): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(callId);
}
