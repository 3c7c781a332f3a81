// Pairs of sockets at one place, an RTP port and perhaps the RTCP port above it: opened, taken over, and closed, both or none.
import { ok, type Result } from '../../core/result.ts';
import type { LeftSockets } from '../packet-io/left-sockets.ts';
import type { OpenError, PacketIo, SocketId, SocketOptions } from '../packet-io/packet-io.ts';
import type { PortPlace } from '../plane/messages.ts';
import type { EndpointSockets } from './endpoint-room.ts';

type OnPair = (opened: Result<EndpointSockets, OpenError>) => void;

export class SocketPairs {
  readonly #io: PacketIo;
  readonly #options: SocketOptions;
  #openCount = 0;

  constructor(io: PacketIo, options: SocketOptions) {
    this.#io = io;
    this.#options = options;
  }

  /** Sockets that are open. */
  get openCount(): number {
    return this.#openCount;
  }

  /** Calls back once, before it returns when the driver opens at once. What `left` has at the place is taken over. */
  open({ address, rtpPort, rtcpPort }: PortPlace, left: LeftSockets | undefined, onOpened: OnPair): void {
    this.#openSocket(address, rtpPort, left, (rtp) => {
      if (!rtp.ok) {
        onOpened(rtp);
        return;
      }
      if (rtcpPort === undefined) {
        onOpened(ok({ address, evenPort: rtpPort, rtp: rtp.value, rtcp: undefined }));
        return;
      }
      this.#openSocket(address, rtcpPort, left, (rtcp) => {
        if (!rtcp.ok) this.#closeSocket(rtp.value);
        onOpened(rtcp.ok ? ok({ address, evenPort: rtpPort, rtp: rtp.value, rtcp: rtcp.value }) : rtcp);
      });
    });
  }

  /** The same pair with an RTCP socket, or without one. When that cannot be opened the pair is closed. */
  convert(sockets: EndpointSockets, rtcpMux: boolean, onConverted: OnPair): void {
    const { address, evenPort, rtp, rtcp } = sockets;
    if (rtcpMux === (rtcp === undefined)) {
      onConverted(ok(sockets));
    } else if (rtcp !== undefined) {
      this.#closeSocket(rtcp);
      onConverted(ok({ address, evenPort, rtp, rtcp: undefined }));
    } else {
      this.#openSocket(address, evenPort + 1, undefined, (opened) => {
        if (!opened.ok) this.#closeSocket(rtp);
        onConverted(opened.ok ? ok({ address, evenPort, rtp, rtcp: opened.value }) : opened);
      });
    }
  }

  /** They belong to nobody, and take from anybody again. */
  rest({ rtp, rtcp }: EndpointSockets): void {
    this.#io.unlatch(rtp);
    if (rtcp !== undefined) this.#io.unlatch(rtcp);
  }

  close({ rtp, rtcp }: EndpointSockets): void {
    this.#closeSocket(rtp);
    if (rtcp !== undefined) this.#closeSocket(rtcp);
  }

  #openSocket(
    address: string,
    port: number,
    left: LeftSockets | undefined,
    onOpened: (opened: Result<SocketId, OpenError>) => void,
  ): void {
    const adopt = left?.take({ address, port });
    const options = adopt === undefined ? this.#options : { ...this.#options, adopt };
    this.#io.open(address, port, options, (opened) => {
      if (opened.ok) this.#openCount += 1;
      onOpened(opened);
    });
  }

  #closeSocket(socket: SocketId): void {
    this.#io.close(socket);
    this.#openCount -= 1;
  }
}
