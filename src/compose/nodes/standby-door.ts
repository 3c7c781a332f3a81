// How a process becomes its node: at once, or after it stood by, where operators reach it meanwhile.
import { StandbyServer } from '../../admin/standby-server.ts';
import type { Logger } from '../../core/logger.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import { version } from '../../version.ts';
import type { SharedSite } from './shared-site.ts';
import type { Standby } from './takeover.ts';

/** False when it is to end instead. */
export async function becomeNodeOf(
  shared: SharedSite,
  standby: Pick<Standby, 'ended'> | undefined,
  door: { readonly socket: string; readonly address?: SocketAddress | undefined; readonly logger: Logger },
): Promise<boolean> {
  if (standby === undefined) return shared.begin();
  const { promise: told, resolve: onTakeover } = Promise.withResolvers<void>();
  const { socket, address, logger } = door;
  const server = new StandbyServer({ socket, address, version, onTakeover, logger });
  await server.listen();
  try {
    return await shared.begin({ told, ended: standby.ended });
  } finally {
    await server.close();
  }
}
