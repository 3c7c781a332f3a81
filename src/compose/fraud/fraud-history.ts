// The windows of fraud detection over a restart: counted again from the call records of the database.
import type { Config } from '../../config/schema.ts';
import type { EpochMillis, Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { FraudEvent } from '../../policy/fraud/fraud-event.ts';
import { CallRecordFile } from '../../store/sqlite/call-record-file.ts';
import { pastEvents } from './fraud-replay.ts';
import { fraudSettings } from './fraud-settings.ts';

/**
 * Records that are read at a start, the newest. A node with more of them in its longest window counts too little after a restart:
 * an action may come late, none comes that should not.
 */
export const mostRead = 50_000;

/** What happened within the longest window before `now`, by the records in `file`. A file that cannot be read is said, and costs no start. */
export function fraudHistory(parts: {
  readonly config: Config;
  readonly configFile: string;
  /** `state_dir/cdr/cdr.db`. */
  readonly file: string;
  readonly now: EpochMillis;
  readonly logger: Logger;
}): readonly FraudEvent[] {
  const { config, configFile, file, now, logger } = parts;
  const settings = config.cdr.database ? fraudSettings(config, configFile) : undefined;
  if (settings === undefined) return [];
  // Calls that ended within the window may have begun before it.
  const window: Millis = Math.max(...settings.rules.map((rule) => rule.window));
  const since = now - window - config.limits.max_call_duration;
  let records: CallRecordFile | undefined;
  try {
    records = CallRecordFile.openReadOnly(file);
    if (records === undefined) return [];
    const events = pastEvents(settings, config, records.list({ since, limit: mostRead }));
    logger.info('fraud-history-read', { events: events.length });
    return events;
  } catch (thrown) {
    logger.warn('fraud-history-unreadable', { file, error: messageOf(thrown) });
    return [];
  } finally {
    records?.close();
  }
}
