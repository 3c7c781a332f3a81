// A mid-registrar: phones register with us, and the PBX is told once for each AoR (RFC 3261 §10.2, RFC 5853 §3.2.3). Short refreshes
// of phones stop here; we refresh the PBX at our own interval, and say so when the last phone is gone. Pure; timers are outputs.
//
// A PBX that restarted may have forgotten everything. It is found out by silence that ends, and by asking now and then what it
// holds of one AoR; then every registration is made again, a few at a time.
import { assertNever } from '../core/assert-never.ts';
import type { Millis } from '../core/clock.ts';
import { type Random, token } from '../core/random.ts';
import type { MidInput, MidOutput, PbxAnswer, TimerKey } from './mid-event.ts';

export interface MidLimits {
  /** What we ask the PBX for; raised by its 423. */
  readonly seconds: number;
  /** Requests to the PBX at once; the others wait for their turn. */
  readonly inFlight: number;
  readonly probeInterval: Millis;
  /** After a failure, and half as much again at most. */
  readonly retryInterval: Millis;
  /** An AoR that nobody has any more is not removed with more attempts than this: the PBX lets it expire. */
  readonly removals: number;
}

export const defaultMidLimits: MidLimits = {
  seconds: 3_600,
  inFlight: 50,
  probeInterval: 30_000,
  retryInterval: 30_000,
  removals: 3,
};

/** A PBX that grants less is refreshed no more often. */
export const minRefresh: Millis = 15_000;
/** What a 423 may raise the interval to: a day. */
export const maxSeconds = 86_400;
/** Sequence numbers that one REGISTER may use, with the challenges that it answers. */
export const sequenceStep = 4;

type Task = 'add' | 'remove';

type Phase =
  | { readonly at: 'waiting'; readonly task: Task }
  /** The request is out. `next`: what has become necessary meanwhile. */
  | { readonly at: 'out'; readonly task: Task; readonly next: Task | undefined }
  /** The PBX has it; the refresh is on the clock. */
  | { readonly at: 'held' }
  /** The request failed; the next try is on the clock. */
  | { readonly at: 'failed'; readonly task: Task };

interface Entry {
  /** One Call-ID for all registrations of the AoR, with rising CSeq (§10.2). */
  readonly callId: string;
  sequence: number;
  /** The PBX has said yes: phones that refresh need not wait for it. */
  isGranted: boolean;
  removals: number;
  phase: Phase;
}

export class MidRegistrar {
  readonly #random: Random;
  readonly #limits: MidLimits;
  readonly #entries = new Map<string, Entry>();
  /** AoRs whose phone waits for an answer, and others, in the order of their turn. */
  readonly #urgent = new Set<string>();
  readonly #patient = new Set<string>();
  /** AoRs at the PBX, the one that was probed last at the end. */
  readonly #held = new Set<string>();
  #out = 0;
  #seconds: number;
  /** The last request got no answer. */
  #isLost = false;
  #probe: { readonly aor: string } | 'idle' | 'off' = 'off';
  #outputs: MidOutput[] = [];

  constructor(random: Random, limits: MidLimits = defaultMidLimits) {
    this.#random = random;
    this.#limits = limits;
    this.#seconds = limits.seconds;
  }

  /** AoRs that are at the PBX, or on the way there or back. */
  get size(): number {
    return this.#entries.size;
  }

  handle(input: MidInput): readonly MidOutput[] {
    this.#apply(input);
    this.#pump();
    this.#watch();
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  #apply(input: MidInput): void {
    switch (input.type) {
      case 'bound':
        this.#bound(input.aor, input.lifetime);
        break;
      case 'unbound':
        this.#unbound(input.aor);
        break;
      case 'answered':
        this.#answered(input.aor, input.answer);
        break;
      case 'probed':
        this.#probed(input.answer);
        break;
      case 'timer':
        this.#fired(input.key);
        break;
      case 'withdraw':
        for (const aor of [...this.#entries.keys()]) this.#unbound(aor);
        break;
      default:
        assertNever(input);
    }
  }

  #bound(aor: string, lifetime: Millis): void {
    const entry = this.#entries.get(aor) ?? this.#create(aor);
    this.#outputs.push({ type: 'start', key: `lapse ${aor}`, after: lifetime });
    entry.removals = 0;
    const { phase } = entry;
    if (phase.at === 'waiting' && phase.task === 'remove') this.#wait(aor, entry, 'add');
    else if (phase.at === 'failed' && (phase.task === 'remove' || !entry.isGranted)) this.#wait(aor, entry, 'add');
    else if (phase.at === 'out') {
      entry.phase = { ...phase, next: phase.task === 'remove' ? 'add' : undefined };
      // What is being removed must be asked for again.
      if (phase.task === 'remove') entry.isGranted = false;
    }
    if (entry.isGranted) this.#settle(aor, undefined);
  }

  #unbound(aor: string): void {
    const entry = this.#entries.get(aor);
    if (entry === undefined) return;
    this.#outputs.push({ type: 'stop', key: `lapse ${aor}` });
    this.#settle(aor, 480);
    const { phase } = entry;
    if (phase.at === 'out') entry.phase = { ...phase, next: phase.task === 'add' ? 'remove' : undefined };
    else if (entry.sequence === 0) this.#drop(aor);
    else if (phase.at !== 'failed' || phase.task === 'add') this.#wait(aor, entry, 'remove');
  }

  #answered(aor: string, answer: PbxAnswer): void {
    const entry = this.#entries.get(aor);
    if (entry?.phase.at !== 'out') return;
    this.#out -= 1;
    const { task, next } = entry.phase;
    entry.phase = { at: 'failed', task };
    if (task === 'add') this.#added(aor, entry, answer);
    else this.#removed(aor, entry, answer);
    // The answer may have ended it: one that the PBX refused has nothing to be removed.
    if (next !== undefined && this.#entries.get(aor) === entry) this.#wait(aor, entry, next);
    else if (next === 'add') this.#create(aor);
    this.#noteSigns(answer);
  }

  #added(aor: string, entry: Entry, answer: PbxAnswer): void {
    switch (answer.kind) {
      case 'accepted': {
        entry.isGranted = true;
        this.#settle(aor, undefined);
        entry.phase = { at: 'held' };
        this.#held.add(aor);
        // Spread, so that those which came together do not come back together.
        const after = Math.max(minRefresh, Math.floor(answer.seconds * (600 + this.#random.below(300))));
        this.#outputs.push({ type: 'start', key: `again ${aor}`, after });
        break;
      }
      case 'too-brief':
        if (answer.minExpires > this.#seconds && answer.minExpires <= maxSeconds) {
          this.#seconds = answer.minExpires;
          this.#wait(aor, entry, 'add');
        } else this.#refuse(aor, 500);
        break;
      case 'refused':
        this.#refuse(aor, answer.status);
        break;
      case 'failed':
        this.#settle(aor, answer.status);
        this.#retryLater(aor);
        break;
      default:
        assertNever(answer);
    }
  }

  #removed(aor: string, entry: Entry, answer: PbxAnswer): void {
    entry.isGranted = false;
    entry.removals += 1;
    if (answer.kind === 'failed' && entry.removals < this.#limits.removals) this.#retryLater(aor);
    else this.#drop(aor);
  }

  /** The PBX does not want it; phones are told when they come again. */
  #refuse(aor: string, status: number): void {
    this.#outputs.push({ type: 'refused', aor, status }, { type: 'stop', key: `lapse ${aor}` });
    this.#settle(aor, status);
    this.#drop(aor);
  }

  #retryLater(aor: string): void {
    const { retryInterval } = this.#limits;
    const after = retryInterval + this.#random.below(Math.max(1, Math.floor(retryInterval / 2)));
    this.#outputs.push({ type: 'start', key: `again ${aor}`, after });
  }

  /** Silence tells that the PBX is lost; anything else afterwards, that it is back and may have forgotten. */
  #noteSigns(answer: PbxAnswer): void {
    const isLost = answer.kind === 'failed' && answer.isSilent;
    if (isLost === this.#isLost) return;
    this.#isLost = isLost;
    this.#outputs.push({ type: 'told', what: isLost ? 'lost' : 'back' });
    if (!isLost) this.#repeat();
  }

  #probed(answer: PbxAnswer): void {
    if (typeof this.#probe === 'string') return;
    const { aor } = this.#probe;
    this.#probe = 'off';
    this.#noteSigns(answer);
    // One that was removed or is asked for again meanwhile says nothing.
    if (answer.kind !== 'accepted' || answer.holds || !this.#held.has(aor)) return;
    this.#outputs.push({ type: 'told', what: 'forgot' });
    this.#repeat();
  }

  #fired(key: TimerKey): void {
    if (key === 'probe') {
      const [aor] = this.#held;
      this.#probe = aor === undefined ? 'off' : { aor };
      if (aor === undefined) return;
      this.#held.delete(aor);
      this.#held.add(aor);
      this.#outputs.push({ type: 'probe', aor });
      return;
    }
    const aor = key.slice(key.indexOf(' ') + 1);
    if (key.startsWith('lapse ')) this.#unbound(aor);
    else this.#again(aor);
  }

  #again(aor: string): void {
    const entry = this.#entries.get(aor);
    if (entry?.phase.at === 'held') this.#wait(aor, entry, 'add');
    else if (entry?.phase.at === 'failed') this.#wait(aor, entry, entry.phase.task);
  }

  #repeat(): void {
    for (const aor of this.#entries.keys()) this.#again(aor);
  }

  /** A turn for `task`; one that a phone waits for comes first. */
  #wait(aor: string, entry: Entry, task: Task): void {
    if (entry.phase.at === 'held' || entry.phase.at === 'failed') {
      this.#outputs.push({ type: 'stop', key: `again ${aor}` });
    }
    this.#held.delete(aor);
    this.#urgent.delete(aor);
    this.#patient.delete(aor);
    entry.phase = { at: 'waiting', task };
    (task === 'add' && !entry.isGranted ? this.#urgent : this.#patient).add(aor);
  }

  /** As many as may be out at once; of a PBX that is lost, one. */
  #pump(): void {
    const most = this.#isLost ? 1 : this.#limits.inFlight;
    for (const queue of [this.#urgent, this.#patient]) {
      for (const aor of queue) {
        if (this.#out >= most) return;
        queue.delete(aor);
        this.#send(aor);
      }
    }
  }

  #send(aor: string): void {
    const entry = this.#entries.get(aor);
    if (entry?.phase.at !== 'waiting') return;
    const { task } = entry.phase;
    entry.phase = { at: 'out', task, next: undefined };
    entry.sequence += sequenceStep;
    this.#out += 1;
    const { callId, sequence } = entry;
    this.#outputs.push({ type: 'register', aor, callId, sequence, seconds: task === 'add' ? this.#seconds : 0 });
  }

  /** The probe is on the clock while the PBX holds something. */
  #watch(): void {
    if (this.#probe === 'off' && this.#held.size > 0) {
      this.#probe = 'idle';
      this.#outputs.push({ type: 'start', key: 'probe', after: this.#limits.probeInterval });
    } else if (this.#probe === 'idle' && this.#entries.size === 0) {
      this.#probe = 'off';
      this.#outputs.push({ type: 'stop', key: 'probe' });
    }
  }

  #settle(aor: string, status: number | undefined): void {
    this.#outputs.push({ type: 'settled', aor, status });
  }

  #create(aor: string): Entry {
    const callId = token(this.#random, 16);
    const entry: Entry = { callId, sequence: 0, isGranted: false, removals: 0, phase: { at: 'waiting', task: 'add' } };
    this.#entries.set(aor, entry);
    this.#wait(aor, entry, 'add');
    return entry;
  }

  #drop(aor: string): void {
    this.#entries.delete(aor);
    this.#held.delete(aor);
    this.#urgent.delete(aor);
    this.#patient.delete(aor);
  }
}
