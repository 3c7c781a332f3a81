// The site of a configuration over the rooms of signalling, and requests that neither make a call nor register.
import type { Config } from '../../config/schema.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import type { Identity, ServerTransaction } from '../../sip/user-agent/session.ts';
import { Site } from '../site/site.ts';
import { otherRequest } from './other-request.ts';
import type { SignallingOptions, SignallingRooms } from './signalling-rooms.ts';

/** Throws SbcError when a file or secret that the configuration names is not there. */
export function siteOf(rooms: SignallingRooms, options: SignallingOptions, config: Config): Site {
  const { users: database, logger, embedded, random, environment, scheduler, media } = options;
  const { registrar, ground } = rooms;
  return new Site({
    config,
    fingerprint: media.fingerprint,
    database,
    clock: scheduler.clock,
    registrar,
    registeredAor: (pbx, user) => rooms.forwardings.aorOf(pbx, user),
    isUp: (peer) => rooms.probes.isUp(peer) ?? true,
    isNodeAlive: (node) => options.shared?.isNodeAlive(node) ?? true,
    trunkContact: (trunk) => rooms.trunks.contactUser(trunk),
    logger,
    embedded,
    random,
    environment,
    ground,
  });
}

export interface Other {
  readonly request: SipRequest;
  readonly transaction: ServerTransaction;
  readonly identity: Identity;
}

export function onOther(
  rooms: SignallingRooms,
  options: SignallingOptions,
  { request, transaction, identity }: Other,
): void {
  const { isAvailable, random, logger } = options;
  otherRequest(request, transaction, identity, {
    isAvailable: isAvailable(),
    capabilities: rooms.userAgent.capabilities,
    admissions: rooms.site.admissions,
    policy: () => rooms.site.methodPolicy(),
    requester: rooms.userAgent,
    subscriptions: rooms.subscriptions,
    random,
    logger,
  });
}
