// The trace of a call in each of the forms that it is asked for in.
import { formatSocketAddress } from '../../core/socket-address.ts';
import { drawSvg, drawText, ladderOf } from './ladder.ts';
import type { TracedMessage } from './message-ring.ts';
import { type CapturedMedia, type Pdu, pcapHeader, pcapRecord, pdusOf } from './pcap.ts';
import { redacted } from './redaction.ts';

/** Bytes that are drawn in one turn of the event loop: writing over the secrets of so many takes some milliseconds. */
const bytesATurn = 65_536;

export interface DrawOptions {
  readonly withSecrets?: boolean;
  /** Of a ladder, in columns of text. */
  readonly width?: number | undefined;
  /** For a capture. */
  readonly captures?: readonly CapturedMedia[];
}

/** Calls go on meanwhile: `pause` resolves in another turn of the event loop. */
export async function drawTrace(
  kept: readonly TracedMessage[],
  form: 'ladder' | 'svg' | 'steps' | 'messages' | 'pcap',
  { withSecrets = false, width, captures = [] }: DrawOptions = {},
  pause: () => Promise<void> = nextTurn,
): Promise<Uint8Array> {
  const shown = (message: TracedMessage): TracedMessage =>
    withSecrets ? message : { ...message, bytes: redacted(message.bytes) };
  const hidden = (pdu: Pdu): Pdu =>
    withSecrets || pdu.dissector !== 'sip' ? pdu : { ...pdu, bytes: redacted(pdu.bytes) };
  switch (form) {
    // The label of a message is its first line, in which no secret stands.
    case 'ladder':
      return Buffer.from(drawText(ladderOf(kept, self), width));
    case 'svg':
      return Buffer.from(drawSvg(ladderOf(kept, self)));
    case 'steps':
      return Buffer.from(
        JSON.stringify({ ...ladderOf(kept, self), messages: textsOf(kept.slice(0, mostTexts).map(shown)) }),
      );
    case 'messages':
      return inTurns(kept, pause, (message) => [heading(message), shown(message).bytes, Buffer.from('\r\n')]);
    case 'pcap':
      return inTurns(pdusOf(kept, captures), pause, (pdu) => pcapRecord(hidden(pdu)), [pcapHeader()]);
  }
}

async function inTurns<One extends { readonly bytes: Uint8Array }>(
  messages: readonly One[],
  pause: () => Promise<void>,
  draw: (message: One) => readonly Uint8Array[],
  head: readonly Uint8Array[] = [],
): Promise<Uint8Array> {
  const parts = [...head];
  let bytes = 0;
  for (const message of messages) {
    parts.push(...draw(message));
    bytes += message.bytes.length;
    if (bytes < bytesATurn) continue;
    bytes = 0;
    await pause();
  }
  return Buffer.concat(parts);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function heading({ at, direction, transport, local, remote }: TracedMessage): Buffer {
  const way = `${direction === 'in' ? 'from' : 'to'} ${formatSocketAddress(remote)}`;
  return Buffer.from(`--- ${new Date(at).toISOString()} ${transport} ${way}, here ${formatSocketAddress(local)}\r\n`);
}

/** Of the first messages of a ladder, each cut to a length that a page can bear. */
function textsOf(messages: readonly TracedMessage[]): readonly string[] {
  return messages.map(({ bytes }) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, longestText)).toString(),
  );
}

const mostTexts = 200;
const longestText = 16_384;
const self = 'portcullis';
