// Every command, in the order of the help.
import { calls } from './calls.ts';
import { callsEnd } from './calls-end.ts';
import { check } from './check.ts';
import type { Command } from './command.ts';
import { drain } from './drain.ts';
import { init } from './init.ts';
import { registrations } from './registrations.ts';
import { reload } from './reload.ts';
import { run } from './run.ts';
import { start } from './start.ts';
import { status } from './status.ts';
import { userAdd } from './user/add.ts';
import { userExpire } from './user/expire.ts';
import { userList } from './user/list.ts';
import { userLock, userUnlock } from './user/lock.ts';
import { userPasswd } from './user/passwd.ts';
import { userRemove } from './user/remove.ts';
import { version } from './version.ts';

export const commands: readonly Command[] = [
  start,
  run,
  init,
  check,
  userAdd,
  userPasswd,
  userExpire,
  userList,
  userLock,
  userUnlock,
  userRemove,
  status,
  registrations,
  calls,
  callsEnd,
  drain,
  reload,
  version,
];
