// The trace of a call in each of the forms that it is asked for in.
import { formatSocketAddress } from '../../core/socket-address.ts';
import { drawSvg, drawText, ladderOf } from './ladder.ts';
import type { TracedMessage } from './message-ring.ts';
import { formatPcap } from './pcap.ts';
import { redacted } from './redaction.ts';

export function drawTrace(
  kept: readonly TracedMessage[],
  form: 'ladder' | 'svg' | 'messages' | 'pcap',
  withSecrets: boolean,
): Uint8Array {
  const messages = (): readonly TracedMessage[] =>
    withSecrets ? kept : kept.map((one) => ({ ...one, bytes: redacted(one.bytes) }));
  switch (form) {
    // The label of a message is its first line, in which no secret stands.
    case 'ladder':
      return Buffer.from(drawText(ladderOf(kept, self)));
    case 'svg':
      return Buffer.from(drawSvg(ladderOf(kept, self)));
    case 'messages':
      return Buffer.concat(messages().flatMap((one) => [heading(one), one.bytes, Buffer.from('\r\n')]));
    case 'pcap':
      return formatPcap(messages());
  }
}

function heading({ at, direction, transport, local, remote }: TracedMessage): Buffer {
  const way = `${direction === 'in' ? 'from' : 'to'} ${formatSocketAddress(remote)}`;
  return Buffer.from(`--- ${new Date(at).toISOString()} ${transport} ${way}, here ${formatSocketAddress(local)}\r\n`);
}

const self = 'portcullis';
