// What the dashboard shows and does, and who may: `compose` implements both over the running SBC and its database.
import type { EpochMillis } from '../../core/clock.ts';
import type { HistorySpan, HistoryView } from '../../observe/node-history.ts';
import type { RecentCall } from '../../observe/recent-calls.ts';
import type { BanRecord } from '../../policy/bans.ts';
import type {
  BanAnswer,
  CallDetailAnswer,
  OverviewAnswer,
  RecentCallAnswer,
  RegistrationAnswer,
} from '../admin-client-answers.ts';
import type { AdminOperations, AlertView, CallDetail, RegistrationView } from '../operations.ts';
import type { CallQuery, OverviewView } from '../overview.ts';
import type { RegistrationPage, RegistrationQuery } from '../registration-query.ts';

/** What it gives is of this process, or what all processes answered that serve side by side. */
export interface WebOperations extends Pick<AdminOperations, 'version' | 'isReady' | 'isDraining'> {
  overview(query: CallQuery): Promise<OverviewView | OverviewAnswer>;
  /** Undefined when there is no call of that id. */
  call(id: string): Promise<CallDetail | CallDetailAnswer | undefined>;
  trace(name: string, form: 'steps' | 'svg' | 'pcap'): Promise<Uint8Array | undefined>;
  /** False when there is no call of that id. */
  endCall(id: string, by: string): Answered<boolean>;
  registrations(query: RegistrationQuery): Promise<RegistrationPage<RegistrationView | RegistrationAnswer>>;
  bans(): Answered<readonly (BanRecord | BanAnswer)[]>;
  /** How many bans were lifted. */
  liftBans(address: string, by: string): Answered<number>;
  /** Calls that are over, the newest first. */
  recentCalls(): Answered<readonly (RecentCall | RecentCallAnswer)[]>;
  alerts(): Answered<readonly AlertView[]>;
  history(span: HistorySpan): HistoryView;
  /** Into the audit log. */
  note(action: string, subject: string, detail: string | undefined, by: string): void;
}

type Answered<T> = T | Promise<T>;

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
