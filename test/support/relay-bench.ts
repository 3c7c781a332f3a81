// A media worker without a thread or a network: commands in, datagrams in, and everything that comes out.
import { err, ok, type Result } from '../../src/core/result.ts';
import type {
  EndpointRemote,
  EndpointReport,
  EndpointSpec,
  MediaError,
  MediaEvent,
  OpenedEndpoint,
  PortPlace,
} from '../../src/media/plane/messages.ts';
import {
  type CommandOutcome,
  isQuery,
  type PortRequest,
  type SessionCommand,
  type WorkerMessage,
} from '../../src/media/plane/worker-protocol.ts';
import { nodeCipherFactory } from '../../src/media/srtp/node-cipher.ts';
import { profileOf, type SrtpKeying, type SrtpSuite } from '../../src/media/srtp/profile.ts';
import { SrtpReceiver } from '../../src/media/srtp/srtp-receiver.ts';
import { SrtpSender } from '../../src/media/srtp/srtp-sender.ts';
import { Relay, type RelayRoom, type RelaySettings } from '../../src/media/worker/relay.ts';
import { FakeDtls } from './fake-dtls.ts';
import { FakePacketIo, type SentPacket } from './fake-packet-io.ts';
import { FakeClock, SeededRandom } from './fake-time.ts';
import { plainMemory } from './srtp-vectors.ts';

export const localAddress = '192.0.2.1';

const settings: RelaySettings = {
  ports: { first: 20_000, last: 20_099 },
  quarantine: 30_000,
  timeout: 30_000,
  headerPackets: 0,
  keepBelow: 0,
  socketOptions: { dscp: 46, receiveBufferBytes: 65_536 },
};

export class RelayBench {
  readonly clock = new FakeClock();
  readonly io: FakePacketIo;
  readonly dtls: FakeDtls;
  readonly relay: Relay;
  readonly messages: WorkerMessage[] = [];
  #nextCommand = 1;
  #nextEndpoint = 1;

  constructor(changes: Partial<RelaySettings> = {}, keeping: Pick<RelayRoom, 'ledger' | 'vault'> = {}) {
    this.io = new FakePacketIo(this.clock, () => this.relay);
    this.dtls = new FakeDtls(this.io.memory);
    this.relay = new Relay(
      {
        io: this.io,
        ciphers: nodeCipherFactory(this.io.memory),
        ...keeping,
        dtls: this.dtls,
        clock: this.clock,
        random: new SeededRandom(42),
        post: (message) => this.messages.push(message),
        postSoon: (message) => this.messages.push(message),
        flush: () => {},
        takeCommands: () => {},
        beat: () => {},
        took: () => {},
      },
      { ...settings, ...changes },
    );
  }

  /** Performs a command and returns what came of it; undefined when it is asked for something and there is no answer yet. */
  send(command: SessionCommand, session = 1): CommandOutcome | undefined {
    const id = this.#nextCommand;
    this.#nextCommand += 1;
    this.relay.handle({ id, session, command });
    const answer = this.messages.find((message) => 'id' in message && message.id === id);
    if (answer?.type === 'reply') return answer.outcome;
    if (answer?.type === 'refused') return { type: 'error', error: answer.error };
    return isQuery(command) ? undefined : { type: 'done' };
  }

  /** Ports that are bound ahead, or why there are none; undefined when there is no answer yet. */
  grant(address: string, rtcpMux: boolean, count: number): Result<readonly PortPlace[], MediaError> | undefined {
    const request: PortRequest = { address, rtcpMux, count, needed: count };
    this.relay.grant(request);
    const granted = this.messages.find((message) => message.type === 'granted' && message.request === request);
    if (granted?.type !== 'granted') return undefined;
    return granted.error === undefined ? ok(granted.places) : err(granted.error);
  }

  /** A session with endpoints; throws when one cannot be opened. */
  open(specs: readonly Partial<EndpointSpec>[], session = 1): readonly OpenedEndpoint[] {
    this.send({ type: 'open-session' }, session);
    const opened = this.openMore(specs, session);
    if (!opened.ok) throw new Error(JSON.stringify(opened));
    return opened.value;
  }

  /** In a session that is open, as the plane does it: ports first. */
  openMore(specs: readonly Partial<EndpointSpec>[], session = 1): Result<readonly OpenedEndpoint[], MediaError> {
    const endpoints: OpenedEndpoint[] = [];
    for (const { address = localAddress, rtcpMux = true } of specs) {
      const granted = this.grant(address, rtcpMux, 1);
      if (granted === undefined) throw new Error('no ports were granted yet');
      if (!granted.ok) {
        this.relay.takeBack(endpoints);
        return granted;
      }
      for (const place of granted.value) {
        endpoints.push({ endpoint: this.#nextEndpoint, ...place });
        this.#nextEndpoint += 1;
      }
    }
    const outcome = this.send({ type: 'open-endpoints', endpoints }, session);
    return outcome?.type === 'error' ? err(outcome.error) : ok(endpoints);
  }

  setRemote({ endpoint }: OpenedEndpoint, remote: EndpointRemote, session = 1): void {
    const outcome = this.send({ type: 'set-remote', endpoint, remote }, session);
    if (outcome?.type !== 'done') throw new Error(JSON.stringify(outcome));
  }

  join(a: OpenedEndpoint, b: OpenedEndpoint, session = 1): void {
    const outcome = this.send({ type: 'join', a: a.endpoint, b: b.endpoint }, session);
    if (outcome?.type !== 'done') throw new Error(JSON.stringify(outcome));
  }

  /** Lets time pass, with the deadlines of the loop on the way. */
  advance(by: number): void {
    const end = this.clock.now() + by;
    let next = this.relay.onDeadline(this.clock.now());
    while (next <= end) {
      this.clock.move(next - this.clock.now());
      next = this.relay.onDeadline(this.clock.now());
    }
    this.clock.move(end - this.clock.now());
  }

  close(session = 1): readonly EndpointReport[] {
    const outcome = this.send({ type: 'close-session' }, session);
    if (outcome?.type !== 'report') throw new Error(JSON.stringify(outcome));
    return outcome.report.endpoints;
  }

  get events(): readonly MediaEvent[] {
    return this.messages.flatMap((message) => (message.type === 'event' ? [message.event] : []));
  }

  get portsInUse(): number | undefined {
    this.advance(1_100);
    const stats = this.messages.findLast((message) => message.type === 'stats');
    return stats?.type === 'stats' ? stats.stats.portsInUse : undefined;
  }
}

/** A phone or PBX: where it is, what it protects with, and its own SRTP contexts. */
export class Peer {
  address: string;
  port: number;
  readonly #send: (() => SrtpKeying) | undefined;
  readonly #receive: (() => SrtpKeying) | undefined;
  readonly #sender: SrtpSender | undefined;
  readonly #receiver: SrtpReceiver | undefined;
  readonly #memory = plainMemory(8192);

  /** Protects with keys of its own, or with those that a handshake gave both sides. */
  constructor(
    address: string,
    port: number,
    suite?: SrtpSuite,
    keys?: () => { send: SrtpKeying; receive: SrtpKeying },
  ) {
    this.address = address;
    this.port = port;
    if (suite === undefined) return;
    const ciphers = nodeCipherFactory(this.#memory);
    this.#send = keys === undefined ? keyingOf(suite, port) : () => keys().send;
    this.#receive = keys === undefined ? keyingOf(suite, port + 1) : () => keys().receive;
    this.#sender = new SrtpSender(this.#send(), ciphers);
    this.#receiver = new SrtpReceiver(this.#receive(), ciphers);
  }

  get at(): { address: string; port: number } {
    return { address: this.address, port: this.port };
  }

  /** What signalling says about it. Key material is a fresh copy each time. */
  remote(changes: Partial<EndpointRemote> = {}): EndpointRemote {
    return {
      rtp: this.at,
      rtcp: undefined,
      receive: this.#send?.(),
      send: this.#receive?.(),
      latching: this.#send === undefined ? { kind: 'signalled' } : { kind: 'authenticated' },
      sending: true,
      receiving: true,
      payloadTypes: [],
      ...changes,
    };
  }

  /** A packet as it leaves the peer. */
  protectRtp(packet: Uint8Array): Uint8Array {
    return this.#through(packet, (length) => this.#sender?.protectRtp(64, length) ?? length);
  }

  protectRtcp(packet: Uint8Array): Uint8Array {
    return this.#through(packet, (length) => this.#sender?.protectRtcp(64, length) ?? length);
  }

  /** What the peer makes of a packet; throws when it refuses it. */
  receiveRtp(packet: SentPacket | undefined): Uint8Array {
    return this.#through(this.#checked(packet), (length) => this.#receiver?.unprotectRtp(64, length) ?? length);
  }

  receiveRtcp(packet: SentPacket | undefined): Uint8Array {
    return this.#through(this.#checked(packet), (length) => this.#receiver?.unprotectRtcp(64, length) ?? length);
  }

  #checked(packet: SentPacket | undefined): Uint8Array {
    if (packet === undefined) throw new Error('nothing was sent');
    return packet.bytes;
  }

  #through(packet: Uint8Array, transform: (length: number) => number): Uint8Array {
    this.#memory.bytes.set(packet, 64);
    const length = transform(packet.length);
    if (length < 0) throw new Error(`the peer refused a packet: ${length}`);
    return this.#memory.bytes.slice(64, 64 + length);
  }
}

function keyingOf(suite: SrtpSuite, seed: number): () => SrtpKeying {
  return () => {
    const random = new SeededRandom(seed);
    const { keyBytes, saltBytes } = profileOf(suite);
    return { suite, masterKey: random.bytes(keyBytes), masterSalt: random.bytes(saltBytes) };
  };
}
