// A tiny PBX for trying out: extension 600 echoes, 601 plays a tone, any other name is called back through the SBC.
// It believes everybody who can reach its address, so it takes loopback addresses only.
import { SbcError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { type Random, token } from '../core/random.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { SocketAddress } from '../core/socket-address.ts';
import { classifyAddress } from '../media/sdp/address-check.ts';
import type { Identity } from '../sip/auth/identity.ts';
import { Headers } from '../sip/message/headers.ts';
import { responseTo, type SipMessage, type SipRequest } from '../sip/message/message.ts';
import { parseUri } from '../sip/message/uri.ts';
import { SipTransports } from '../sip/transport/sip-transports.ts';
import { WatchedTransport } from '../sip/transport/watched-transport.ts';
import { allowedMethods } from '../sip/user-agent/allowed-methods.ts';
import type { IncomingCall, ServerTransaction } from '../sip/user-agent/session.ts';
import { UserAgent } from '../sip/user-agent/user-agent.ts';
import { type Extension, ExtensionCall, type PbxCall } from './extension-call.ts';
import { HairPin } from './hair-pin.ts';

export interface EmbeddedPbxOptions {
  /** Where it listens for SIP over UDP; port 0 takes any. A loopback address. */
  readonly address: SocketAddress;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  /** Default is `maxEmbeddedCalls`. */
  readonly maxCalls?: number | undefined;
  /** Looks on: `in` is a message that came, `out` one that is sent. */
  readonly watch?: ((direction: 'in' | 'out', message: SipMessage) => void) | undefined;
}

export interface EmbeddedPbx {
  /** Where it is bound. */
  readonly address: SocketAddress;
  /** Calls that it is part of now. */
  readonly calls: number;
  /** Ends its calls and closes its sockets. Idempotent. */
  close(): Promise<void>;
}

/** Calls at the same time; a PBX for trying out needs few. */
export const maxEmbeddedCalls = 50;

/** Starts it. Rejects with SbcError `embedded-pbx-address` when the address is not loopback, `listen-failed` when it is taken. */
export async function startEmbeddedPbx(options: EmbeddedPbxOptions): Promise<EmbeddedPbx> {
  const { address } = options.address;
  if (classifyAddress(address) !== 'loopback') {
    throw new SbcError('embedded-pbx-address', `the embedded PBX listens on loopback only, not on ${address}`, {
      address,
    });
  }
  const pbx = new Pbx(options);
  await pbx.listen();
  options.logger.warn('embedded-pbx', { purpose: 'trying out only', address, port: pbx.address.port });
  return pbx;
}

const listener = 'embedded-pbx';
const extensions: ReadonlyMap<string, Extension> = new Map([
  ['600', 'echo'],
  ['601', 'tone'],
]);
/** Whoever reaches a loopback address is the SBC. */
const sbc: Identity = { kind: 'pbx', name: 'sbc' };
/** How long BYEs may take to leave before the sockets close. */
const lastWords = 50;

class Pbx implements EmbeddedPbx {
  readonly #options: EmbeddedPbxOptions;
  readonly #transports: SipTransports;
  readonly #userAgent: UserAgent;
  readonly #calls = new Set<PbxCall>();
  #isClosed = false;

  constructor(options: EmbeddedPbxOptions) {
    const { scheduler, random, logger, address, watch } = options;
    this.#options = options;
    this.#transports = new SipTransports({
      listeners: [{ name: listener, network: 'inside', transport: 'udp', address }],
      events: {
        onMessage: (message, flow) => {
          watch?.('in', message);
          if (message.kind === 'request') this.#userAgent.receive(message, flow, sbc);
          else this.#userAgent.receiveResponse(message, flow);
        },
        onUnparsable: (error) => logger.debug('message-refused', { code: error.code }),
        onFlowClosed: (flow) => this.#userAgent.flowClosed(flow),
      },
      scheduler,
      logger,
    });
    this.#userAgent = new UserAgent({
      transport:
        watch === undefined
          ? this.#transports
          : new WatchedTransport(this.#transports, (message) => watch('out', message)),
      scheduler,
      random,
      logger,
      events: {
        onInvite: (call) => this.#onInvite(call),
        onRequest: (request, transaction) => this.#onRequest(request, transaction),
      },
    });
  }

  get address(): SocketAddress {
    return this.#transports.boundTo(listener);
  }

  get calls(): number {
    return this.#calls.size;
  }

  listen(): Promise<void> {
    return this.#transports.listen();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#calls.size > 0) {
      for (const call of [...this.#calls]) call.end();
      await new Promise<void>((resolve) => this.#options.scheduler.after(lastWords, resolve));
    }
    this.#userAgent.shutdown();
    this.#transports.close();
  }

  #onInvite(call: IncomingCall): void {
    const user = userOf(call.request);
    if (user === undefined) {
      call.reject(404);
    } else if (this.#isClosed || this.#calls.size >= (this.#options.maxCalls ?? maxEmbeddedCalls)) {
      call.reject(503);
    } else {
      this.#begin(call, user);
    }
  }

  #begin(call: IncomingCall, user: string): void {
    const { scheduler, random, logger, address } = this.#options;
    const extension = extensions.get(user);
    if (extension === undefined) {
      const hairPin = new HairPin(call, { userAgent: this.#userAgent, listener }, () => this.#calls.delete(hairPin));
      this.#calls.add(hairPin);
      hairPin.begin(user);
      return;
    }
    const parts = { scheduler, random, logger, mediaAddress: address.address };
    const answered = new ExtensionCall(call, extension, parts, () => this.#calls.delete(answered));
    this.#calls.add(answered);
    answered.begin();
  }

  #onRequest(request: SipRequest, transaction: ServerTransaction): void {
    const status = request.method === 'OPTIONS' ? 200 : 405;
    const headers = Headers.of(['Allow', allowedMethods]);
    transaction.respond(responseTo(request, status, { toTag: token(this.#options.random, 8), headers }));
  }
}

function userOf(request: SipRequest): string | undefined {
  const uri = parseUri(request.uri);
  if (!uri.ok || uri.value.scheme === 'other' || uri.value.scheme === 'tel') return undefined;
  return uri.value.user === '' ? undefined : uri.value.user;
}
