// The calls of one running SBC: what the B2BUA asks of the other rooms, and who hears of what became of a call.
import { B2bua } from '../../b2bua/b2bua.ts';
import { defaultB2buaLimits } from '../../b2bua/b2bua-parts.ts';
import { Subscriptions } from '../../b2bua/subscription/subscriptions.ts';
import { mediaAlerts } from '../entrance/media-alerts.ts';
import { nodeOfTag } from './node-mark.ts';
import type { SignallingOptions, SignallingRooms } from './signalling-rooms.ts';

export function callRoom(rooms: SignallingRooms, options: SignallingOptions): B2bua {
  const { scheduler, random, logger } = options;
  return new B2bua({
    userAgent: rooms.userAgent,
    admissions: {
      admit: (request, identity, way) => rooms.site.admissions.admit(request, identity, way),
      admitStanding: (request, identity, way, leg) => rooms.site.admissions.admitStanding(request, identity, way, leg),
      admitElsewhere: (request, identity, way, dialog) =>
        rooms.site.admissions.admitElsewhere(request, identity, way, dialog),
      isEmergency: (request, identity) => rooms.site.admissions.isEmergency(request, identity),
    },
    directory: {
      mediaOf: (flow, identity) => rooms.site.mediaOf(flow, identity),
      isOurs: (host) => rooms.site.isOurs(host),
      mayPickUp: (identity) => rooms.site.mayPickUp(identity),
      nodeOf: (identity) => rooms.site.nodeOf(identity),
      methodPolicy: () => rooms.site.methodPolicy(),
    },
    toldDialog: (aor, name) => rooms.subscriptions.toldDialog(aor, name),
    nodeOfTag: (tag) => rooms.site.contactOfNode(nodeOfTag(tag, rooms.site.config, options.place)),
    reservations: rooms.reservations,
    media: options.media,
    observer: {
      onDialog: (call, callId) => {
        rooms.trace?.belongs(call, callId);
        options.hep?.belongs(call, callId);
      },
      onAdmitted: ({ id, request, identity, flow }, admission) => {
        if (identity.kind === 'user') rooms.ground.charges.note(id, request, identity.aor);
        rooms.fraud.admitted(id, admission, flow);
      },
      onRedirected: ({ id, request }, admission) => {
        rooms.ground.charges.redirected(id, request, admission);
        rooms.fraud.redirected(id, admission);
      },
      onRedirectRefused: ({ id }, by, code) => rooms.fraud.redirectRefused(id, by, code),
      ...mediaAlerts(options.onAlert),
      onReached: (call) => rooms.keeper.reached(call),
      onCaptured: (call, captures) => rooms.trace?.captures.add(call, captures),
      // Calls of an earlier process stay its own until this one listens.
      onCallEnded: (record) =>
        rooms.recorded(() => {
          rooms.fraud.ended(record);
          rooms.ground.charges.forget(record.callId);
          rooms.metrics.callEnded(record);
          const { onRecord, onRecordAgain = onRecord } = options;
          if (rooms.keeper.tookUp(record.callId)) onRecordAgain(record);
          else onRecord(record);
          rooms.keeper.ended(record);
        }),
    },
    limits: defaultB2buaLimits,
    scheduler,
    random,
    logger,
  });
}

export function subscriptionRoom(rooms: SignallingRooms, options: SignallingOptions): Subscriptions {
  const { scheduler, random, logger } = options;
  return new Subscriptions({
    userAgent: rooms.userAgent,
    admissions: { admit: (request, identity, way) => rooms.site.admissions.admit(request, identity, way) },
    policy: () => rooms.site.methodPolicy(),
    mayStand: (user) => rooms.site.users.mayStand(user.name, user.domain),
    isAvailable: options.isAvailable,
    onRefused: (code) => rooms.metrics.subscriptionRefused(code),
    clock: scheduler.clock,
    random,
    logger,
  });
}
