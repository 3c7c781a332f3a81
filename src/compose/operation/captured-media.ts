// What workers noted of first packets, as the trace draws it.
import type { HeaderCapture } from '../../media/plane/messages.ts';
import { readHeaders } from '../../media/rtp/packet-headers.ts';
import type { CapturedMedia } from '../../observe/trace/pcap.ts';

export function capturedMedia(capture: HeaderCapture): CapturedMedia {
  return { ...capture, received: readHeaders(capture.received), sent: readHeaders(capture.sent) };
}
