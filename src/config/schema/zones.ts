// Parts of the world that requests come from.
import * as z from 'zod';
import { addressList, name } from './values.ts';

/** As the system names one: `wg0`, `eth0.20`. */
const interfaceName = z
  .string()
  .regex(/^[A-Za-z0-9_.:@-]{1,64}$/, 'expected the name of a network interface such as "wg0"');

export const zone = z.strictObject({
  name,
  listeners: z.array(name).max(1_000).default([]),
  networks: addressList.max(10_000).default([]),
  interfaces: z.array(interfaceName).max(100).default([]),
});
