// What an operator ordered of the running SBC, in the audit log.
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { KeptState } from '../keeping/kept-state.ts';

export type AuditLog = KeptState['audit'];

export interface OperatorNote {
  readonly action: string;
  readonly subject: string;
  readonly detail?: string | undefined;
  /** Absent: whoever may open the admin socket. */
  readonly actor?: string | undefined;
}

/** An audit log that takes nothing is an error in the other log. */
export function noteIn(audit: AuditLog | undefined, logger: Logger, note: OperatorNote): void {
  const { action, subject, detail, actor = 'admin' } = note;
  try {
    audit?.append({ actor, action, subject, detail });
  } catch (thrown) {
    logger.error('audit-failed', { action, subject, error: messageOf(thrown) });
  }
}
