// Devices in the database, so that a restart asks nobody to approve them again.
import { SbcError } from '../../core/errors.ts';
import type { DeviceRecord, DeviceState, DeviceStore } from '../../policy/devices.ts';
import type { StateDatabase } from './database.ts';
import { number, text } from './row.ts';

export class SqliteDeviceStore implements DeviceStore {
  readonly #load;
  readonly #keep;
  readonly #forget;

  constructor(database: StateDatabase) {
    this.#load = database.prepare('SELECT * FROM device');
    this.#keep = database.prepare(
      `INSERT OR REPLACE INTO device (id, aor, description, state, source, first_at, decided_at, decided_by)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#forget = database.prepare('DELETE FROM device WHERE id = ?');
  }

  load(): readonly DeviceRecord[] {
    return this.#load.all().map((row) => ({
      id: text(row, 'id'),
      aor: text(row, 'aor'),
      description: text(row, 'description'),
      state: stateOf(text(row, 'state')),
      source: text(row, 'source'),
      firstAt: number(row, 'first_at'),
      decidedAt: number(row, 'decided_at'),
      decidedBy: text(row, 'decided_by'),
    }));
  }

  keep({ id, aor, description, state, source, firstAt, decidedAt, decidedBy }: DeviceRecord): void {
    this.#keep.run(id, aor, description, state, source, Math.round(firstAt), Math.round(decidedAt), decidedBy);
  }

  forget(id: string): void {
    this.#forget.run(id);
  }
}

function stateOf(value: string): DeviceState {
  if (value === 'pending' || value === 'approved' || value === 'denied') return value;
  throw new SbcError('database-damaged', `state of a device: expected pending, approved or denied, got "${value}"`);
}
