// What the dashboard shows and does, and who may: `compose` implements both over the running SBC and its database.
import type { EpochMillis } from '../../core/clock.ts';
import type { HistorySpan, HistoryView } from '../../observe/node-history.ts';
import type { RecentCall } from '../../observe/recent-calls.ts';
import type { AdminOperations } from '../operations.ts';

export interface WebOperations
  extends Pick<
    AdminOperations,
    | 'version'
    | 'isReady'
    | 'isDraining'
    | 'overview'
    | 'call'
    | 'trace'
    | 'endCall'
    | 'registrations'
    | 'bans'
    | 'liftBans'
  > {
  history(span: HistorySpan): HistoryView;
  /** Calls that are over, the newest first. */
  recentCalls(): readonly RecentCall[];
  /** What was told to receivers of alerts, the newest first. */
  alerts(): readonly WebAlert[];
  /** Into the audit log. */
  note(action: string, subject: string, detail: string | undefined, by: string): void;
}

export interface WebAlert {
  readonly severity: 'info' | 'warning' | 'critical';
  readonly kind: string;
  readonly text: string;
  readonly firstAt: EpochMillis;
  readonly lastAt: EpochMillis;
  readonly count: number;
}

/** `viewer` sees everything and changes nothing. */
export type WebRole = 'admin' | 'viewer';

export interface WebAccount {
  readonly role: WebRole;
  /** Another one: the account was removed and made anew. */
  readonly createdAt: EpochMillis;
}

export interface WebAccounts {
  /** Counts as an attempt, whatever comes out. */
  signIn(
    name: string,
    password: string,
    code: string,
  ): Promise<'signed-in' | 'unknown' | 'wrong-password' | 'wrong-code' | 'locked'>;
  /** Undefined when there is none of that name. */
  find(name: string): WebAccount | undefined;
}
