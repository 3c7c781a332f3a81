// Zones as the configuration names them, on this machine: interfaces are known by the addresses that they have now, at the start and at
// each reload.
import { networkInterfaces } from 'node:os';
import type { Config } from '../../config/schema.ts';
import { parseCidr } from '../../core/cidr.ts';
import type { Logger } from '../../core/logger.ts';
import { Zones } from '../../policy/zones.ts';

/** The addresses of an interface; none where there is no such interface. */
export type AddressesOf = (name: string) => readonly string[];

export function siteZones({ zone }: Config, addressesOf: AddressesOf, logger: Logger): Zones {
  return new Zones(
    zone.map(({ name, listeners, networks, interfaces }) => {
      const addresses = interfaces.map((one) => ({ name: one, addresses: addressesOf(one) }));
      for (const one of addresses) {
        if (one.addresses.length === 0) logger.warn('zone-interface-missing', { zone: name, interface: one.name });
      }
      return {
        name,
        listeners,
        networks: networks.flatMap((block) => {
          const cidr = parseCidr(block);
          return cidr.ok ? [cidr.value] : [];
        }),
        localAddresses: interfaces.length === 0 ? undefined : addresses.flatMap((one) => one.addresses),
      };
    }),
  );
}

export const systemAddresses: AddressesOf = (name) => (networkInterfaces()[name] ?? []).map(({ address }) => address);
