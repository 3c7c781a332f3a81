// Who is reachable where, and who else hears of it.
import { defaultRegistrarLimits } from '../../registration/bindings.ts';
import { Registrar } from '../../registration/registrar.ts';
import type { SignallingOptions, SignallingRooms } from './signalling-rooms.ts';

export function registrarOf(rooms: SignallingRooms, options: SignallingOptions): Registrar {
  const { config, stores, scheduler, random, logger } = options;
  const { min_expires, max_expires, expires_spread, contacts_per_user } = config.registrations;
  const longest = Math.floor(max_expires / 1000);
  return new Registrar({
    store: stores.locations,
    scheduler,
    random,
    logger,
    limits: {
      ...defaultRegistrarLimits,
      minExpires: Math.ceil(min_expires / 1000),
      maxExpires: longest,
      defaultExpires: longest,
      expiresSpread: expires_spread,
      contactsPerUser: contacts_per_user,
    },
    isAlive: (flow) => rooms.transports.isAlive(flow),
    domainOf: (host) => rooms.site.domainOfHost(host),
    upstreamOf: (aor) => rooms.forwardings.of(aor),
    onMoved: (oldFlowId, flow, identity) => rooms.userAgent.moveDialogs(oldFlowId, flow, identity),
    onCame: (phone, flow) => rooms.processes?.came(phone, flow),
    lost: rooms.processes?.lost,
    onRegistered: (aor, flow) => rooms.fraud.registered(aor, flow),
  });
}
