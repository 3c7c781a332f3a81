// Every command, in the order of the help.
import { adminAdd, adminList, adminRemove, adminTest, adminUnlock } from './admin.ts';
import { alerts } from './alerts.ts';
import { audit } from './audit.ts';
import { auditLog, auditVerify } from './audit-log.ts';
import { bans, bansAdd, bansLift } from './bans.ts';
import { calls } from './calls.ts';
import { callsEnd } from './calls-end.ts';
import { callsShow } from './calls-show.ts';
import { check } from './check.ts';
import type { Command } from './command.ts';
import { completion } from './completion.ts';
import { devices, devicesApprove, devicesDeny, devicesForget, devicesLearn } from './devices.ts';
import { doctor } from './doctor.ts';
import { drain } from './drain.ts';
import { explain } from './explain.ts';
import { fraudLift, fraudList } from './fraud-holds.ts';
import { fraudReplay } from './fraud-replay.ts';
import { init } from './init.ts';
import { keysRotate } from './keys-rotate.ts';
import { logLevel } from './log-level.ts';
import { policyTest } from './policy-test.ts';
import { registrations } from './registrations.ts';
import { reload } from './reload.ts';
import { routeTest } from './route-test.ts';
import { servingCommands } from './serving-commands.ts';
import { status } from './status.ts';
import { subscriptions, subscriptionsEnd } from './subscriptions.ts';
import { takeover } from './takeover.ts';
import { top } from './top.ts';
import { trace } from './trace.ts';
import { trunks } from './trunks.ts';
import { upgrade } from './upgrade.ts';
import { userAdd } from './user/add.ts';
import { userExpire } from './user/expire.ts';
import { userImport } from './user/import/command.ts';
import { userList } from './user/list.ts';
import { userLock, userUnlock } from './user/lock.ts';
import { userPasswd } from './user/passwd.ts';
import { userRemove } from './user/remove.ts';
import { userTotpEnrol, userTotpRemove } from './user/totp.ts';
import { version } from './version.ts';

export const commands: readonly Command[] = [
  ...servingCommands,
  init,
  check,
  doctor,
  routeTest,
  userAdd,
  userPasswd,
  userExpire,
  userList,
  userLock,
  userUnlock,
  userRemove,
  userImport,
  userTotpEnrol,
  userTotpRemove,
  adminAdd,
  adminList,
  adminRemove,
  adminUnlock,
  adminTest,
  audit,
  auditLog,
  auditVerify,
  keysRotate,
  status,
  top,
  registrations,
  subscriptions,
  subscriptionsEnd,
  trunks,
  calls,
  callsShow,
  callsEnd,
  explain,
  trace,
  policyTest,
  fraudList,
  fraudLift,
  fraudReplay,
  bans,
  bansAdd,
  bansLift,
  devices,
  devicesApprove,
  devicesDeny,
  devicesForget,
  devicesLearn,
  alerts,
  logLevel,
  drain,
  takeover,
  reload,
  upgrade,
  completion(() => commands),
  version,
];
