// How this machine is called and reached, as its operating system tells.
import { hostname, networkInterfaces } from 'node:os';
import type { HostNames } from './command.ts';

/** Addresses that others may reach: IPv4 first, no loopback, no link-local ones. */
export function hostNames(interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces()): HostNames {
  const all = Object.values(interfaces).flatMap((list = []) => list.filter(({ internal }) => !internal));
  const addresses = (family: 'IPv4' | 'IPv6'): readonly string[] => {
    return all.filter((one) => one.family === family).map((one) => one.address);
  };
  const isUsable = (address: string): boolean => !/^(169\.254\.|fe[89ab])/i.test(address);
  return { name: hostname(), addresses: [...new Set([...addresses('IPv4'), ...addresses('IPv6')])].filter(isUsable) };
}
