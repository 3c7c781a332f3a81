// The alerts that were told, for `portcullis alerts`.
import type { EpochMillis } from '../../core/clock.ts';
import type { AlertJournal } from '../../observe/alerts/alerts.ts';
import type { Notice } from '../../observe/alerts/notice.ts';
import type { StateDatabase } from './database.ts';
import { number, text } from './row.ts';

/** Older ones go for new ones. */
export const mostAlerts = 10_000;

export class SqliteAlertJournal implements AlertJournal {
  readonly #keep;
  readonly #trim;
  readonly #list;

  constructor(database: StateDatabase) {
    this.#keep = database.prepare(
      `INSERT OR REPLACE INTO alert (id, node, kind, severity, subject, text, first_at, last_at, count)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#trim = database.prepare('DELETE FROM alert WHERE position <= (SELECT MAX(position) FROM alert) - ?');
    this.#list = database.prepare('SELECT * FROM alert WHERE last_at >= ? ORDER BY position DESC LIMIT ?');
  }

  keep({ id, node, kind, severity, subject, text: line, firstAt, lastAt, count }: Notice): void {
    const times = [Math.round(firstAt), Math.round(lastAt)] as const;
    this.#keep.run(id, node, kind, severity, subject, line, ...times, count);
    this.#trim.run(mostAlerts);
  }

  /** The newest first. */
  list(since: EpochMillis, most: number): readonly (Omit<Notice, 'kind'> & { readonly kind: string })[] {
    return this.#list.all(Math.round(since), most).map((row) => ({
      v: 1,
      id: text(row, 'id'),
      node: text(row, 'node'),
      kind: text(row, 'kind'),
      severity: severityOf(text(row, 'severity')),
      subject: text(row, 'subject'),
      text: text(row, 'text'),
      firstAt: number(row, 'first_at'),
      lastAt: number(row, 'last_at'),
      count: number(row, 'count'),
    }));
  }
}

function severityOf(value: string): Notice['severity'] {
  return value === 'info' || value === 'warning' ? value : 'critical';
}
