// Bindings in the database, so that registrations outlive the process. A connection ends with it: a binding of an earlier run
// names a flow that no live one can have, whatever ids this run gives out, unless it is one of datagrams.
import { SbcError } from '../../core/errors.ts';
import type { BindingRecord, DatagramFlow, LocationStore } from '../../registration/location.ts';
import { earlier, earlierFlowId } from '../earlier-run.ts';
import type { StateDatabase } from './database.ts';
import { number, optionalText, type Row, text } from './row.ts';

const columns =
  'aor, run, contact, key, call_id, sequence, priority, expires_at, flow_id, listener, user_agent, path, datagram' as const;

export class SqliteLocationStore implements LocationStore {
  readonly #database: StateDatabase;
  readonly #run: string;
  readonly #find;
  readonly #all;
  readonly #remove;
  readonly #insert;

  /** `run` is a random name of this run of the process. */
  constructor(database: StateDatabase, run: string) {
    this.#database = database;
    this.#run = run;
    this.#find = database.prepare(`SELECT ${columns} FROM binding WHERE aor = ? ORDER BY position`);
    this.#all = database.prepare(`SELECT ${columns} FROM binding ORDER BY aor, position`);
    this.#remove = database.prepare('DELETE FROM binding WHERE aor = ?');
    this.#insert = database.prepare(`INSERT INTO binding (position, ${columns}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`);
  }

  async find(aor: string): Promise<readonly BindingRecord[]> {
    return this.#find.all(aor).map((row) => this.#record(row));
  }

  async save(aor: string, bindings: readonly BindingRecord[]): Promise<void> {
    this.write(aor, bindings);
  }

  /** As `save`, at once. */
  write(aor: string, bindings: readonly BindingRecord[]): void {
    this.#database.transaction(() => {
      this.#remove.run(aor);
      for (const [position, binding] of bindings.entries()) this.#put(position, aor, binding);
    });
  }

  async all(): Promise<readonly BindingRecord[]> {
    return this.#all.all().map((row) => this.#record(row));
  }

  #put(position: number, aor: string, binding: BindingRecord): void {
    const { contact, key, callId, sequence, priority, expiresAt, flowId, listener, userAgent = null, path } = binding;
    const { datagram } = binding;
    const { run, ownId } = this.#runOf(flowId);
    this.#insert.run(
      position,
      aor,
      run,
      contact,
      key,
      callId,
      sequence,
      priority,
      expiresAt,
      ownId,
      listener,
      userAgent,
      path.join('\n'),
      datagram === undefined ? '' : JSON.stringify(datagram),
    );
  }

  #record(row: Row): BindingRecord {
    const run = text(row, 'run');
    const ownId = text(row, 'flow_id');
    const datagram = datagramOf(text(row, 'datagram'));
    return {
      v: 3,
      aor: text(row, 'aor'),
      contact: text(row, 'contact'),
      key: text(row, 'key'),
      callId: text(row, 'call_id'),
      sequence: number(row, 'sequence'),
      priority: number(row, 'priority'),
      expiresAt: number(row, 'expires_at'),
      // A datagram's flow is two addresses, which are what they were.
      flowId: run === this.#run || datagram !== undefined ? ownId : earlierFlowId(run, ownId),
      listener: text(row, 'listener'),
      userAgent: optionalText(row, 'user_agent'),
      datagram,
      // No header value has a line end.
      path: text(row, 'path')
        .split('\n')
        .filter((hop) => hop !== ''),
    };
  }

  /** A REGISTER of one phone saves the others' bindings again: those of an earlier run stay so. */
  #runOf(flowId: string): { readonly run: string; readonly ownId: string } {
    if (!flowId.startsWith(earlier)) return { run: this.#run, ownId: flowId };
    const colon = flowId.indexOf(':', earlier.length);
    return { run: flowId.slice(earlier.length, colon), ownId: flowId.slice(colon + 1) };
  }
}

/** Throws SbcError `database-damaged`. */
function datagramOf(value: string): BindingRecord['datagram'] {
  if (value === '') return undefined;
  const document: unknown = JSON.parse(value);
  if (isDatagram(document)) return document;
  throw new SbcError('database-damaged', `column datagram: expected a network and two addresses, got ${value}`);
}

function isDatagram(value: unknown): value is DatagramFlow {
  if (typeof value !== 'object' || value === null || !('network' in value)) return false;
  return typeof value.network === 'string' && 'local' in value && 'remote' in value;
}
