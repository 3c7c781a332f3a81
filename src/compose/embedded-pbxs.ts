// The PBXs for trying out that the configuration asks for.
import type { Config } from '../config/schema.ts';
import type { Logger } from '../core/logger.ts';
import { systemRandom } from '../core/random.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { SocketAddress } from '../core/socket-address.ts';
import { type EmbeddedPbx, startEmbeddedPbx } from '../embedded-pbx/embedded-pbx.ts';

export interface EmbeddedPbxs {
  /** Where each is bound, by its name. */
  readonly addresses: ReadonlyMap<string, SocketAddress>;
  close(): Promise<void>;
}

export async function startEmbeddedPbxs(
  config: Config,
  { scheduler, logger }: { readonly scheduler: Scheduler; readonly logger: Logger },
): Promise<EmbeddedPbxs> {
  const started = new Map<string, EmbeddedPbx>();
  for (const { name } of config.pbx.filter((one) => one.embedded)) {
    const address = { address: '127.0.0.1', port: 0 };
    const parts = { address, scheduler, random: systemRandom, logger: logger.child({ embeddedPbx: name }) };
    started.set(name, await startEmbeddedPbx(parts));
  }
  return {
    addresses: new Map([...started].map(([name, { address }]) => [name, address])),
    close: async () => {
      for (const pbx of started.values()) await pbx.close();
    },
  };
}
