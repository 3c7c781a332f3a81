// The sockets that carry SIP, as the configuration describes them; beside those of other processes of this machine, where there are some.
import type { ListenerOptions } from '../../sip/transport/listener-options.ts';
import { SipTransports } from '../../sip/transport/sip-transports.ts';
import type { Ingress } from '../entrance/ingress.ts';
import { transportLimits } from '../site/listeners.ts';
import { tapOf } from './hep.ts';
import { ProcessRoom } from './process-room.ts';
import type { SignallingOptions, SignallingRooms } from './signalling-rooms.ts';

export function processRoom(rooms: SignallingRooms, options: SignallingOptions): ProcessRoom | undefined {
  const { place, background: scheduler, random, logger } = options;
  if (place === undefined) return undefined;
  return new ProcessRoom({
    place,
    userAgent: () => rooms.userAgent,
    rateOf: (flow) => {
      const { gateRules, config } = rooms.site;
      if (gateRules.peerOf(flow) !== undefined) return undefined;
      return rooms.bans.isBanned(flow.remote.address) ? 0 : config.limits.source_requests_per_second;
    },
    scheduler,
    random,
    logger,
  });
}

/** Nothing is bound yet. */
export function sockets(
  rooms: SignallingRooms,
  { config, hep, scheduler, logger }: SignallingOptions,
  { listeners, ingress }: { readonly listeners: readonly ListenerOptions[]; readonly ingress: () => Ingress },
): SipTransports {
  return new SipTransports({
    listeners,
    limits: transportLimits(config),
    isBanned: (address) => rooms.bans.isBanned(address),
    tap: tapOf(rooms.trace, hep),
    elsewhere: rooms.processes?.flows,
    events: {
      onMessage: (message, flow, bytes) => ingress().onMessage(message, flow, bytes),
      onUnparsable: (error, flow) => ingress().onUnparsable(error, flow),
      onFlowClosed: (flow) => ingress().onFlowClosed(flow),
    },
    scheduler,
    logger,
  });
}
