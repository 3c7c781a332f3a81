// What the gate observes of credentials, told to metrics, the log and whoever scores sources.
import type { Logger } from '../../core/logger.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { AuthObserver } from '../../sip/auth/challenge-gate.ts';
import type { Failure } from '../../sip/auth/gate-decision.ts';
import type { BanGuard } from './ban-guard.ts';

export function authObserver({
  bans,
  metrics,
  logger,
}: {
  readonly bans: Pick<BanGuard, 'challenged' | 'failed' | 'succeeded'>;
  readonly metrics: Pick<Metrics, 'authFailed'>;
  readonly logger: Logger;
}): AuthObserver {
  return {
    challenged: (_request, flow) => bans.challenged(flow),
    accepted: (_request, flow, identity) => {
      if (identity.kind === 'user') bans.succeeded(flow, identity.aor.slice(0, identity.aor.lastIndexOf('@')));
    },
    failed: (_request, flow, reason, username) => {
      metrics.authFailed(reason);
      if (username !== undefined && triesPasswords.has(reason)) bans.failed(flow, username);
      logger.warn('authentication-failed', { reason, username, source: flow.remote.address });
    },
  };
}

/** Failures that a guess of a password or a stolen nonce makes; a nonce of before a restart is none. */
const triesPasswords: ReadonlySet<Failure> = new Set([
  'wrong-response',
  'address-not-owned',
  'nonce-count-reused',
  'locked',
  'password-expired',
]);
