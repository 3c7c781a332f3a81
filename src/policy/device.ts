// What a device is: a phone of one user, known by the instance that it registers with (RFC 5626 §4.1), else by its User-Agent and the
// network that it comes from.
import { createHash } from 'node:crypto';
import { sourceBlock } from '../core/ip-address.ts';

/** `device-and-network`: a phone is another device in each network. */
export type SecondFactor = 'off' | 'device' | 'device-and-network';

export interface DeviceTraits {
  readonly instance: string | undefined;
  readonly userAgent: string | undefined;
  /** Numeric. */
  readonly source: string;
}

export interface Device {
  /** 16 hexadecimal digits, of this user and device alone. */
  readonly id: string;
  readonly aor: string;
  /** For people, in printable ASCII; what it is known by. */
  readonly description: string;
}

/** Longest text of a peer that is shown. */
const longestTrait = 128;

export function deviceOf(aor: string, { instance, userAgent, source }: DeviceTraits, factor: SecondFactor): Device {
  const network = networkOf(source);
  const place = instance === undefined || factor === 'device-and-network' ? [network] : [];
  // An instance counts whole, however little of it is shown.
  const key = [aor, instance === undefined ? 'agent' : 'instance', instance ?? shown(userAgent), ...place];
  const id = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 16);
  const known = instance === undefined ? [] : [shown(instance)];
  return { id, aor, description: [...known, shown(userAgent), network].filter((one) => one !== '').join(', ') };
}

/** The /24 of an IPv4 address, the /48 of an IPv6 one. */
export function networkOf(address: string): string {
  const block = sourceBlock(address);
  if (block.endsWith('::/64')) return `${block.split(':').slice(0, 3).join(':')}::/48`;
  const octets = block.split('.');
  return octets.length === 4 ? `${octets.slice(0, 3).join('.')}.0/24` : block;
}

/** Names of a verified client certificate that are this user's own: a SIP URI of the address of record, or the address itself. */
export function isCertificateOf(aor: string, names: readonly string[]): boolean {
  const at = aor.lastIndexOf('@');
  return names.some((name) => {
    const address = name.replace(/^sips?:/i, '');
    const split = address.lastIndexOf('@');
    return (
      split > 0 && address.slice(0, split) === aor.slice(0, at) && address.slice(split).toLowerCase() === aor.slice(at)
    );
  });
}

function shown(text: string | undefined): string {
  return (text ?? '').slice(0, longestTrait).replaceAll(/[^ -~]/g, '?');
}
