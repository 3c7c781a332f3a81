// What a person who just started it needs to know to make a call.
import { dirname, join } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { formatSocketAddress, type SocketAddress } from '../../core/socket-address.ts';
import type { LoadedConfig } from '../config-file.ts';
import { authorityFile, type NewSite } from './site.ts';

/** `made`: the site that was written just now; its passwords are told once. */
export function softphoneGuide({ config, file }: LoadedConfig, made: NewSite | undefined): string {
  const listener = config.listener.find(({ transport }) => transport === 'tls');
  if (listener === undefined) return '';
  const { address, port } = listener.advertise ?? listener.address;
  const lines: (readonly [string, string])[] = [
    ['Server', `${address}, port ${port}, transport TLS`],
    ['Domain', config.domain[0]?.name ?? ''],
    ...(listener.certificate?.startsWith(dirname(authorityFile)) === true
      ? ([['Trust', `${join(dirname(file), authorityFile)} (certificate authority)`]] as const)
      : []),
    ['Media', encryptionText(config, listener.network)],
    ...userLines(config, made, file),
  ];
  const width = Math.max(...lines.map(([label]) => label.length));
  const body = lines.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`).join('\n');
  const numbers = config.pbx.some(({ embedded }) => embedded)
    ? '\nThen call 600, which echoes what you say, 601, which plays a tone, or one user from the other.\n'
    : '';
  return `\nRegister a softphone:\n\n${body}\n${numbers}\n`;
}

export function listeningText(
  listening: readonly { name: string; transport: string; address: SocketAddress }[],
): string {
  const all = listening.map(
    ({ name, transport, address }) => `${name} on ${formatSocketAddress(address)} (${transport})`,
  );
  return `portcullis: ready, listening: ${all.join(', ')}\n`;
}

function userLines(config: Config, made: NewSite | undefined, file: string): readonly (readonly [string, string])[] {
  if (made !== undefined) return made.users.map(({ name, password }) => ['User', `${name}, password ${password}`]);
  const names = config.user.map(({ name }) => name);
  return names.length === 0 ? [] : [['Users', `${names.join(', ')}; passwords as in ${file}`]];
}

function encryptionText(config: Config, network: string): string {
  switch (config.network.find(({ name }) => name === network)?.encryption) {
    case 'required':
      return 'SRTP mandatory (SDES)';
    case 'opportunistic':
      return 'SRTP where the phone can (SDES)';
    default:
      return 'RTP';
  }
}
