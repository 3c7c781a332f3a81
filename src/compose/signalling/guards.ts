// Who stands between the sockets and the calls: the way in, the gate that challenges, bans, fraud detection, devices.
import { ChallengeGate } from '../../sip/auth/challenge-gate.ts';
import { authObserver } from '../entrance/auth-observer.ts';
import { BanGuard, banRules } from '../entrance/ban-guard.ts';
import { gateOutcomes, Ingress, type IngressParts } from '../entrance/ingress.ts';
import { waitingLimits } from '../entrance/waiting-room.ts';
import { FraudGuard } from '../fraud/fraud-guard.ts';
import { DeviceDesk } from '../site/device-desk.ts';
import type { SignallingOptions, SignallingRooms } from './signalling-rooms.ts';

export function ingressOf(
  rooms: SignallingRooms,
  { scheduler, logger }: SignallingOptions,
  parts: Pick<IngressParts, 'gate' | 'rate'>,
): Ingress {
  const { userAgent, bans, overload, transports: transport, metrics, registrar } = rooms;
  return new Ingress({
    ...parts,
    userAgent,
    bans,
    overload,
    waiting: () => waitingLimits(rooms.site.config),
    scheduler,
    nextTurn: setImmediate,
    isEmergency: (request, identity) => rooms.site.admissions.isEmergency(request, identity),
    rules: () => rooms.site.gateRules,
    transport,
    metrics,
    logger,
    onFlowClosed: (flow) => registrar.flowClosed(flow),
  });
}

export function challengeGate(rooms: SignallingRooms, options: SignallingOptions): ChallengeGate {
  const { scheduler, random, logger } = options;
  const { metrics, transports, userAgent, bans } = rooms;
  return new ChallengeGate({
    rules: rooms.site.gateRules,
    secret: options.nonceSecret ?? options.secret,
    store: { find: (name, domain) => rooms.site.users.find(name, domain) },
    view: {
      matchesTransaction: (request) => userAgent.layer.matches(request),
      knowsDialog: (request, flow) => userAgent.knowsDialog(request, flow),
      isAlive: (flow) => transports.isAlive(flow),
      isBarred: (flow, username) => bans.isAccountBanned(flow, username),
      barrier: rooms.access.barrier,
    },
    nonces: options.stores.nonces.load(),
    outcomes: gateOutcomes({ userAgent: () => userAgent, transport: () => transports, bans, metrics }),
    observer: authObserver({ bans, metrics, logger }),
    scheduler,
    random,
    logger,
  });
}

export function banGuard(rooms: SignallingRooms, options: SignallingOptions): BanGuard {
  const { config, stores, scheduler, logger } = options;
  return new BanGuard({
    rules: banRules(config),
    enabled: () => rooms.site.config.bans.enabled,
    isExempt: (address) => rooms.site.isNeverBanned(address),
    store: stores.bans,
    clock: scheduler.clock,
    logger,
    onBanned: ({ source, account, reason }, remaining, isOurs) => {
      const until = Math.round(scheduler.clock.wall() + remaining);
      if (isOurs) {
        rooms.metrics.banned(reason);
        options.onAlert({ kind: 'banned', source, account, reason, until });
      }
      if (account !== undefined) return;
      options.firewall?.add(source, remaining);
      rooms.transports.disconnect((address) => rooms.bans.isBanned(address));
    },
    onLifted: ({ source, account }) => {
      if (account === undefined) options.firewall?.remove(source);
    },
  });
}

export function fraudGuard(rooms: SignallingRooms, options: SignallingOptions): FraudGuard {
  return new FraudGuard({
    scheduler: options.background,
    logger: options.logger,
    store: options.stores.fraud,
    locked: rooms.ground.locked,
    onAlert: options.onAlert,
    endCall: (call) => rooms.b2bua.end(call, 'fraud'),
    lockUser: async (aor) => {
      const kept = await rooms.site.users.lock(aor);
      rooms.recheck([aor]);
      return kept;
    },
    bans: rooms.bans,
    isExempt: (address) => rooms.site.isNeverBanned(address),
    others: options.shared?.others,
  });
}

export function deviceDesk(rooms: SignallingRooms, options: SignallingOptions): DeviceDesk {
  const { scheduler, logger } = options;
  return new DeviceDesk({
    store: options.stores.devices,
    judgeCode: (aor, code) => options.totp.judge(`user ${aor}`, code),
    onDropped: (aor) => rooms.subscriptions.endOf(aor, 'probation'),
    others: options.shared?.others,
    instanceOn: (aor, flowId) => rooms.registrar.instanceOn(aor, flowId),
    clock: scheduler.clock,
    logger,
    onAlert: options.onAlert,
  });
}
