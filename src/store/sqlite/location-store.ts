// Bindings in the database, so that registrations can be listed after the process ended. A flow ends with its process:
// a binding of an earlier run names a flow that no live one can have, whatever ids this run gives out.
import type { BindingRecord, LocationStore } from '../../registration/location.ts';
import { earlier, earlierFlowId } from '../earlier-run.ts';
import type { StateDatabase } from './database.ts';
import { number, optionalText, type Row, text } from './row.ts';

const columns =
  'aor, run, contact, key, call_id, sequence, priority, expires_at, flow_id, listener, user_agent, path' as const;

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
    this.#insert = database.prepare(`INSERT INTO binding (position, ${columns}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`);
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
    );
  }

  #record(row: Row): BindingRecord {
    const run = text(row, 'run');
    const ownId = text(row, 'flow_id');
    return {
      v: 2,
      aor: text(row, 'aor'),
      contact: text(row, 'contact'),
      key: text(row, 'key'),
      callId: text(row, 'call_id'),
      sequence: number(row, 'sequence'),
      priority: number(row, 'priority'),
      expiresAt: number(row, 'expires_at'),
      flowId: run === this.#run ? ownId : earlierFlowId(run, ownId),
      listener: text(row, 'listener'),
      userAgent: optionalText(row, 'user_agent'),
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
