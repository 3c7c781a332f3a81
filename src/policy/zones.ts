// Zones: parts of the world that a request can come from, by the listener, the source and the address that it reached. A user who is
// held to zones may register and call from those alone.
import { type Cidr, CidrTable } from '../core/cidr.ts';

export interface Zone {
  readonly name: string;
  /** Every kind that is given must hold, by any of its values. */
  readonly listeners: readonly string[];
  readonly networks: readonly Cidr[];
  /** Addresses of the interfaces that it names; undefined: it names none. Empty: they have no address, and nobody is in it. */
  readonly localAddresses: readonly string[] | undefined;
}

/** Where a request came in. */
export interface Origin {
  readonly listener: string;
  readonly source: string;
  /** Our address that it reached. Of a datagram to a socket that is bound to every address, that address, which no interface has. */
  readonly local: string;
}

export class Zones {
  readonly #zones: readonly CompiledZone[];

  constructor(zones: readonly Zone[]) {
    this.#zones = zones.map(compile);
  }

  /** The names of the zones that it is in, in the order of the configuration. */
  of({ listener, source, local }: Origin): readonly string[] {
    const inside = this.#zones.filter(
      ({ listeners, networks, localAddresses }) =>
        (listeners.size === 0 || listeners.has(listener)) &&
        (networks === undefined || networks.has(source)) &&
        (localAddresses === undefined || localAddresses.has(local)),
    );
    return inside.map(({ name }) => name);
  }
}

interface CompiledZone {
  readonly name: string;
  readonly listeners: ReadonlySet<string>;
  readonly networks: CidrTable<true> | undefined;
  readonly localAddresses: ReadonlySet<string> | undefined;
}

function compile({ name, listeners, networks, localAddresses }: Zone): CompiledZone {
  const table = new CidrTable<true>();
  for (const block of networks) table.add(block, true);
  return {
    name,
    listeners: new Set(listeners),
    networks: networks.length === 0 ? undefined : table,
    localAddresses: localAddresses === undefined ? undefined : new Set(localAddresses),
  };
}
