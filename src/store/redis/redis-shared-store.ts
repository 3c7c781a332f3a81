// The shared store in Redis (or what speaks its protocol, 6.2 and later).
import type { Clock, Millis } from '../../core/clock.ts';
import { SbcError } from '../../core/errors.ts';
import type { BanRecord, BanTarget } from '../../policy/bans.ts';
import type { Claim } from '../../policy/verdict.ts';
import type { BindingRecord } from '../../registration/location.ts';
import type { KeptDocument } from '../call-store.ts';
import { leastLease } from '../least-lease.ts';
import { readBan, readBinding } from '../shared/records.ts';
import type {
  Beat,
  Held,
  HeldBy,
  NodeEvent,
  Reassertion,
  SharedBinding,
  SharedOutcome,
  SharedStore,
} from '../shared/shared-store.ts';
import type { RedisClient, Reply } from './redis-client.ts';
import { type Script, scripts } from './scripts.ts';

export interface RedisSharedStoreOptions {
  readonly client: RedisClient;
  /** All keys begin with it; what stands in its braces is their hash tag. */
  readonly prefix: string;
  readonly node: string;
  /** The name of this run of the process: no other one has it. */
  readonly run: string;
  /** The same for all runs on one state directory, and for no others. */
  readonly machine: string;
  /** How long the slots of a node that is silent count. */
  readonly lease: Millis;
  /** How long a node must be silent before another process may be it. */
  readonly takeover: Millis;
  /** Absent: the server's. */
  readonly clock?: Pick<Clock, 'wall'>;
}

/** What nodes tell each other is kept for those that were away for a while. */
export const mostEvents = 10_000;
const eventsPerBeat = 1_000;

export class RedisSharedStore implements SharedStore {
  readonly #options: RedisSharedStoreOptions;

  constructor(options: RedisSharedStoreOptions) {
    this.#options = options;
  }

  readonly #key = (name: string): string => `${this.#options.prefix}${name}`;

  async reserve(owner: string, claims: readonly Claim[]): Promise<SharedOutcome> {
    const args = claims.flatMap((claim): string[] => {
      const cap = String(Math.floor(claim.cap));
      if (claim.kind === 'slot') return ['s', claim.key, cap, '0', '0'];
      if (claim.kind === 'rate') return ['r', claim.key, cap, String(claim.window), '0'];
      return ['b', claim.key, cap, String(Math.floor(claim.wanted)), String(Math.round(claim.until))];
    });
    const { lease } = this.#options;
    const reply = list(await this.#run(scripts.reserve, [String(lease), String(leastLease), owner, ...args]));
    if (reply[0] === 1) {
      const leases = pairs(reply.slice(1)).map(([key, value]) => ({ key, held: readHeld(value) }));
      return { kind: 'granted', leases };
    }
    const claim = claims[integer(reply[1])];
    if (claim === undefined) throw unexpected('a claim', reply);
    return { kind: 'full', claim, held: integer(reply[2]) };
  }

  async release(owner: string, keys: readonly string[], used: Millis): Promise<void> {
    await this.#run(scripts.release, [owner, String(Math.round(used)), ...keys]);
  }

  async held(): Promise<readonly HeldBy[]> {
    const reply = await this.#command('HGETALL', `held:${this.#options.node}`);
    return pairs(list(reply)).map(([field, value]) => {
      const at = field.indexOf(separator);
      return { owner: field.slice(0, at), key: field.slice(at + 1), held: readHeld(value) };
    });
  }

  async reassert({ held, undecided, settled, isSuccessor }: Reassertion): Promise<void> {
    const { lease } = this.#options;
    const counts = [String(settled.length), String(undecided.length)];
    await this.#run(scripts.reassert, [
      String(lease),
      isSuccessor ? '1' : '',
      ...counts,
      ...settled.flatMap(({ owner, key, used, until, isLocal }) => {
        return [owner, key, String(Math.round(used)), String(Math.round(until)), isLocal ? '1' : ''];
      }),
      ...undecided.map(({ owner, key }) => fieldOf(owner, key)),
      ...held.flatMap(({ owner, key, held: one }) => [fieldOf(owner, key), writeHeld(one)]),
    ]);
  }

  async beat(cursor: string | undefined): Promise<Beat> {
    const { lease, takeover } = this.#options;
    const args = [String(lease), String(takeover), cursor ?? '', String(eventsPerBeat)];
    const reply = list(await this.#run(scripts.beat, args));
    if (reply[0] !== 1) return { isOwner: false, events: [], cursor: '', hasMissed: false, nodes: [] };
    const [, first, last, told, nodes] = reply;
    const entries = list(told ?? null).map((entry) => list(entry));
    const events = entries.map(([, fields]) => eventOf(list(fields ?? null)));
    const newest = text(entries.at(-1)?.[0] ?? null);
    return {
      isOwner: true,
      events: events.filter((one) => one.node !== this.#options.node),
      // Nothing was told yet: whatever is will be later than this.
      cursor: newest !== '' ? newest : cursor !== undefined && cursor !== '' ? cursor : text(last ?? null) || '0-0',
      hasMissed: cursor !== undefined && isBefore(cursor, text(first ?? null)),
      nodes: list(nodes ?? null).map(text),
    };
  }

  async tell(kind: string, body: string): Promise<void> {
    const { node } = this.#options;
    await this.#command(
      'XADD',
      'events',
      'MAXLEN',
      '~',
      String(mostEvents),
      '*',
      'node',
      node,
      'kind',
      kind,
      'body',
      body,
    );
  }

  async own(when: 'at-once' | 'when-free' | 'again'): Promise<boolean> {
    const { takeover, machine } = this.#options;
    return (await this.#run(scripts.own, [String(takeover), when, machine])) === 1;
  }

  async disown(): Promise<void> {
    await this.#run(scripts.disown, []);
  }

  async bindings(aor: string): Promise<readonly SharedBinding[]> {
    const values = list(await this.#command('HVALS', `reg:${aor}`)).map(text);
    return values.map((value) => readBinding(value.slice(value.indexOf(' ') + 1)));
  }

  async allBindings(): Promise<readonly SharedBinding[]> {
    const aors = list(await this.#command('SMEMBERS', 'aors')).map(text);
    const all = await Promise.all(aors.map((aor) => this.bindings(aor)));
    return all.flat();
  }

  async changeBindings(aor: string, put: readonly BindingRecord[], remove: readonly SharedBinding[]): Promise<void> {
    const { node, run } = this.#options;
    const last = Math.max(0, ...put.map(({ expiresAt }) => expiresAt));
    const till = String(Math.round(last + afterExpiry));
    const puts = put.flatMap((record) => {
      const binding: SharedBinding = { node, run, record };
      return [record.key, `${stampOf(binding)} ${JSON.stringify(binding)}`];
    });
    const removes = remove.flatMap((binding) => [binding.record.key, `${stampOf(binding)} `]);
    await this.#run(scripts.changeBindings, [aor, till, String(put.length), ...puts, ...removes]);
  }

  async writeCalls(put: readonly KeptDocument[], remove: readonly string[]): Promise<void> {
    const puts = put.flatMap(({ id, document }) => [id, document]);
    await this.#run(scripts.writeCalls, [String(put.length), ...puts, ...remove]);
  }

  async calls(): Promise<readonly KeptDocument[]> {
    const reply = await this.#command('HGETALL', `calls:${this.#options.node}`);
    const calls = pairs(list(reply)).map(([id, document]) => ({ id, document }));
    return calls.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  async bans(): Promise<readonly BanRecord[]> {
    return list(await this.#command('HVALS', 'bans')).map((value) => readBan(text(value)));
  }

  async keepBan(record: BanRecord): Promise<void> {
    await this.#command('HSET', 'bans', targetOf(record), JSON.stringify(record));
  }

  async forgetBan(target: BanTarget): Promise<void> {
    await this.#command('HDEL', 'bans', targetOf(target));
  }

  async secret(name: string, offered: string): Promise<string> {
    await this.#command('SET', `secret:${name}`, offered, 'NX');
    return text(await this.#command('GET', `secret:${name}`));
  }

  #run(script: Script, args: readonly string[]): Promise<Reply> {
    const { client, prefix, node, run, clock } = this.#options;
    const now = clock === undefined ? '' : String(Math.round(clock.wall()));
    return client.script(script, [prefix, node, run, now, ...args]);
  }

  #command(name: string, key: string, ...args: readonly string[]): Promise<Reply> {
    return this.#options.client.command(name, [this.#key(key), ...args]);
  }
}

/** Between owner and key; neither has it. */
const separator = '\x1f';
/** What no binding holds any more goes by itself. */
const afterExpiry: Millis = 60_000;

function fieldOf(owner: string, key: string): string {
  return `${owner}${separator}${key}`;
}

function writeHeld(held: Held): string {
  return held.kind === 'slot' ? 's' : `b:${held.lease}:${held.leasedAt}:${held.until}`;
}

function readHeld(value: string): Held {
  if (value === 's') return { kind: 'slot' };
  const [, lease = Number.NaN, leasedAt = Number.NaN, until = Number.NaN] = value.split(':').map(Number);
  if (Number.isNaN(lease + leasedAt + until)) throw unexpected('a lease', value);
  return { kind: 'budget', lease, leasedAt, until };
}

/** What makes it this registration of the phone and no later one. */
function stampOf({ node, run, record }: SharedBinding): string {
  const { flowId, callId, sequence } = record;
  return [node, run, flowId, callId, sequence].map((part) => encodeURIComponent(part)).join('/');
}

function targetOf({ source, account }: BanTarget): string {
  return account === undefined ? source : `${source} ${account}`;
}

function eventOf(fields: readonly Reply[]): NodeEvent {
  const values = new Map(pairs(fields));
  return { node: values.get('node') ?? '', kind: values.get('kind') ?? '', body: values.get('body') ?? '' };
}

/** Ids of a stream: `MILLISECONDS-SERIAL`. */
function isBefore(one: string, other: string): boolean {
  const [a = 0, b = 0] = one.split('-').map(Number);
  const [c = 0, d = 0] = other.split('-').map(Number);
  // What follows the first one that is kept was read; the first one itself may have been.
  return other !== '' && one !== '0-0' && (a < c || (a === c && b < d));
}

function pairs(flat: readonly Reply[]): readonly (readonly [string, string])[] {
  return Array.from({ length: flat.length >> 1 }, (_, at) => [
    text(flat[2 * at] ?? null),
    text(flat[2 * at + 1] ?? null),
  ]);
}

function list(reply: Reply): readonly Reply[] {
  if (typeof reply === 'object' && reply !== null) return reply;
  if (reply === null) return [];
  throw unexpected('a list', reply);
}

function text(reply: Reply): string {
  if (typeof reply === 'string') return reply;
  if (reply === null) return '';
  return String(reply);
}

function integer(reply: Reply | undefined): number {
  if (typeof reply === 'number') return reply;
  throw unexpected('a number', reply ?? null);
}

function unexpected(what: string, got: Reply): SbcError {
  return new SbcError('store-reply', `Redis: expected ${what}, got ${JSON.stringify(got).slice(0, 80)}`);
}
