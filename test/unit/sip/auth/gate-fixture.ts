// A gate between a fake clock and recorded outcomes, and a phone that answers its challenges.
import type { LogFields, Logger } from '../../../../src/core/logger.ts';
import type { Result } from '../../../../src/core/result.ts';
import { type AuthObserver, ChallengeGate, type GateLimits } from '../../../../src/sip/auth/challenge-gate.ts';
import {
  type CredentialStore,
  ha1,
  ha1ForAll,
  type StoreFailure,
  type UserAccess,
  type UserCredentials,
} from '../../../../src/sip/auth/credentials.ts';
import { type DigestAlgorithm, digestResponse } from '../../../../src/sip/auth/digest.ts';
import { type DigestChallenge, formatCredentials, parseChallenge } from '../../../../src/sip/auth/digest-header.ts';
import type { Barrier } from '../../../../src/sip/auth/gate-decision.ts';
import { compileGateRules, type GateConfig, type GateRules } from '../../../../src/sip/auth/gate-rules.ts';
import type { Identity } from '../../../../src/sip/auth/identity.ts';
import type { SipRequest, SipResponse } from '../../../../src/sip/message/message.ts';
import { parseMessage } from '../../../../src/sip/message/parser.ts';
import type { Flow } from '../../../../src/sip/transport/transport.ts';
import { FakeClock, FakeScheduler, SeededRandom } from '../../../support/fake-time.ts';

export const config: GateConfig = {
  listeners: [
    { name: 'phones', side: 'outside', algorithms: ['MD5', 'SHA-256'] },
    { name: 'datagrams', side: 'outside', algorithms: ['MD5', 'SHA-512-256'] },
    { name: 'to-pbx', side: 'inside', algorithms: ['MD5'] },
  ],
  domains: [
    { name: 'PBX.test', realm: 'pbx.test', aliases: ['sbc.example.com', '203.0.113.10'] },
    { name: 'modern.test', realm: 'modern', algorithms: ['SHA-256', 'SHA-512-256'] },
  ],
  peers: [
    { identity: { kind: 'pbx', name: 'main' }, listener: 'to-pbx', acceptFrom: ['10.0.0.5'] },
    { identity: { kind: 'trunk', name: 'by-address' }, listener: 'phones', acceptFrom: ['198.51.100.0/24'] },
    {
      identity: { kind: 'trunk', name: 'by-both' },
      listener: 'phones',
      acceptFrom: ['198.51.100.0/24'],
      certificateName: 'sip.carrier.example',
    },
    {
      identity: { kind: 'trunk', name: 'by-name' },
      listener: 'phones',
      acceptFrom: [],
      certificateName: 'roaming.example',
    },
    { identity: { kind: 'trunk', name: 'udp' }, listener: 'datagrams', acceptFrom: ['192.0.2.1'] },
    {
      identity: { kind: 'trunk', name: 'bare-udp' },
      listener: 'datagrams',
      acceptFrom: ['192.0.2.2'],
      allowUnauthenticatedUdp: true,
    },
    {
      identity: { kind: 'trunk', name: 'challenged' },
      listener: 'phones',
      acceptFrom: ['192.0.2.9'],
      account: { username: 'carrier', credentials: { ha1: ha1ForAll('carrier', 'pbx.test', 'trunk password') } },
    },
  ],
};

export function rulesOf(gateConfig: GateConfig): GateRules {
  const rules = compileGateRules(gateConfig);
  if (!rules.ok) throw new Error(rules.error.join('; '));
  return rules.value;
}

export function flowFrom(address: string, over: Partial<Flow> = {}): Flow {
  const listener = over.listener ?? 'phones';
  return {
    id: `${listener} ${address}`,
    listener,
    network: 'outside',
    transport: 'tls',
    reliable: true,
    secure: true,
    local: { address: '203.0.113.10', port: 5061 },
    remote: { address, port: 40_000 },
    peerNames: [],
    ...over,
  };
}

export function datagramFrom(address: string, listener = 'datagrams'): Flow {
  return flowFrom(address, { listener, transport: 'udp', reliable: false, secure: false });
}

export interface RequestOptions {
  readonly uri?: string;
  readonly from?: string;
  readonly to?: string;
  readonly fromTag?: string;
  readonly toTag?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly branch?: string;
  readonly headers?: readonly string[];
}

export function requestOf(method: string, options: RequestOptions = {}): SipRequest {
  const { from = '<sip:alice@pbx.test>', toTag, callId = 'call-1', cseq = 1, branch = 'z9hG4bKa' } = options;
  const { uri = method === 'REGISTER' ? 'sip:pbx.test' : 'sip:600@pbx.test' } = options;
  const { to = method === 'REGISTER' ? from : '<sip:600@pbx.test>', fromTag = 'f1', headers = [] } = options;
  const text = [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/TLS 192.168.1.5:5061;branch=${branch};rport`,
    'Max-Forwards: 70',
    `From: ${from};tag=${fromTag}`,
    `To: ${to}${toTag === undefined ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    ...headers,
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n');
  const parsed = parseMessage(new TextEncoder().encode(text));
  if (!parsed.ok || parsed.value.kind !== 'request') throw new Error(parsed.ok ? 'a response' : parsed.error.detail);
  return parsed.value;
}

export interface SignOptions {
  readonly username?: string;
  readonly password?: string;
  readonly realm?: string;
  readonly nonce: string;
  readonly algorithm?: DigestAlgorithm;
  readonly method: string;
  readonly uri: string;
  readonly nc?: number;
}

/** A complete Authorization header line, right unless told otherwise. */
export function authorization(options: SignOptions, name = 'Authorization'): string {
  const { username = 'alice', password = 'wonder', realm = 'pbx.test', nonce, algorithm = 'SHA-256', nc = 1 } = options;
  const { method, uri } = options;
  const count = { nc: nc.toString(16).padStart(8, '0'), cnonce: 'c0ffee' };
  const secret = ha1(algorithm, username, realm, password);
  const response = digestResponse({ algorithm, ha1: secret, nonce, method, uri, ...count });
  return `${name}: ${formatCredentials({ username, realm, nonce, uri, response, algorithm, opaque: undefined, count })}`;
}

export type Outcome =
  | { readonly kind: 'pass'; readonly request: SipRequest; readonly identity: Identity }
  | { readonly kind: 'answer'; readonly response: SipResponse; readonly reason: string }
  | { readonly kind: 'drop'; readonly reason: string };

/** Users by `name@domain`; counts look-ups; can be slow or broken. */
export class FakeStore implements CredentialStore {
  readonly users = new Map<string, UserCredentials>();
  readonly asked: string[] = [];
  failure: StoreFailure | 'throws' | undefined;
  isHeld = false;
  readonly #held: (() => void)[] = [];

  async find(name: string, domain: string): Promise<Result<UserCredentials | undefined, StoreFailure>> {
    this.asked.push(`${name}@${domain}`);
    if (this.isHeld) await new Promise<void>((resolve) => this.#held.push(resolve));
    if (this.failure === 'throws') throw new Error('disk on fire');
    if (this.failure !== undefined) return { ok: false, error: this.failure };
    return { ok: true, value: this.users.get(`${name}@${domain}`) };
  }

  release(): void {
    this.isHeld = false;
    for (const resolve of this.#held.splice(0)) resolve();
  }
}

export class GateFixture {
  readonly scheduler = new FakeScheduler(new FakeClock());
  readonly store = new FakeStore();
  /** Accounts that are banned from everywhere. */
  readonly barred = new Set<string>();
  /** Nobody is held to anything. */
  barrier: (method: string, access: UserAccess | undefined) => Barrier | undefined = () => undefined;
  readonly outcomes: Outcome[] = [];
  readonly observed: string[] = [];
  readonly logged: { readonly event: string; readonly fields: LogFields | undefined }[] = [];
  readonly transactions = new Set<string>();
  dialog: { readonly flow: Flow; readonly identity: Identity } | undefined;
  readonly deadFlows = new Set<Flow>();
  gate: ChallengeGate;
  readonly #limits: GateLimits | undefined;
  #seed = 11;

  constructor(over: { readonly config?: GateConfig; readonly limits?: GateLimits } = {}) {
    this.store.users.set('alice@pbx.test', { ha1: ha1ForAll('alice', 'pbx.test', 'wonder') });
    this.#limits = over.limits;
    this.gate = this.#newGate(over.config ?? config);
  }

  /** A new process with the same secret. */
  restart(): void {
    this.scheduler.clock.move(1000);
    this.gate = this.#newGate(config);
  }

  /** What became of the request, once the store had its say. */
  async send(request: SipRequest, flow = flowFrom('192.0.2.77')): Promise<Outcome> {
    const before = this.outcomes.length;
    this.gate.admit(request, flow);
    await settled();
    const [outcome, ...more] = this.outcomes.slice(before);
    if (outcome === undefined || more.length > 0) throw new Error(`${more.length + (outcome ? 1 : 0)} outcomes`);
    return outcome;
  }

  /** A challenge for requests that claim to be of pbx.test. */
  async challenge(flow = flowFrom('192.0.2.77'), request = requestOf('OPTIONS')): Promise<DigestChallenge> {
    const [first] = challengesOf(await this.send(request, flow));
    if (first === undefined) throw new Error('not challenged');
    return first;
  }

  /** A request with credentials under a nonce that was just given out. */
  async signed(method: string, options: RequestOptions = {}, over: Partial<SignOptions> = {}): Promise<SipRequest> {
    const plain = requestOf(method, options);
    const nonce = over.nonce ?? (await this.challenge()).nonce;
    const line = authorization({ method, uri: plain.uri, nonce, ...over });
    return requestOf(method, { ...options, headers: [...(options.headers ?? []), line] });
  }

  #newGate(gateConfig: GateConfig): ChallengeGate {
    const observer: AuthObserver = {
      challenged: () => this.observed.push('challenged'),
      failed: (_request, _flow, reason, username) => this.observed.push(`failed ${reason} ${username ?? '-'}`),
      accepted: (_request, _flow, identity) =>
        this.observed.push(`accepted ${identity.kind === 'user' ? identity.aor : identity.kind}`),
    };
    this.#seed += 1;
    return new ChallengeGate({
      rules: rulesOf(gateConfig),
      secret: new Uint8Array(32).fill(9),
      store: this.store,
      view: {
        matchesTransaction: (request) => this.transactions.has(`${request.method} ${request.headers.get('Call-ID')}`),
        knowsDialog: (_request, flow) => (this.dialog?.flow === flow ? this.dialog.identity : undefined),
        isAlive: (flow) => !this.deadFlows.has(flow),
        isBarred: (_flow, username) => this.barred.has(username),
        barrier: (request, _flow, _identity, access) => this.barrier(request.method, access),
      },
      outcomes: {
        pass: (request, _flow, identity) => {
          this.transactions.add(`CANCEL ${request.headers.get('Call-ID')}`);
          this.outcomes.push({ kind: 'pass', request, identity });
        },
        answer: (response, _flow, reason) => this.outcomes.push({ kind: 'answer', response, reason }),
        drop: (_request, _flow, reason) => this.outcomes.push({ kind: 'drop', reason }),
      },
      observer,
      scheduler: this.scheduler,
      random: new SeededRandom(this.#seed),
      logger: this.#logger(),
      limits: this.#limits,
    });
  }

  #logger(): Logger {
    const log = (event: string, fields?: LogFields): void => void this.logged.push({ event, fields });
    const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
    return logger;
  }
}

export function challengesOf(outcome: Outcome): readonly DigestChallenge[] {
  if (outcome.kind !== 'answer') return [];
  return outcome.response.headers.all('WWW-Authenticate').map((value) => {
    const parsed = parseChallenge(value);
    if (!parsed.ok || parsed.value === undefined) throw new Error(value);
    return parsed.value;
  });
}

/** Status and reason of an answer, or what else became of the request. */
export function summary(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'answer':
      return `${outcome.response.status} ${outcome.reason}`;
    case 'pass': {
      const { identity } = outcome;
      if (identity.kind === 'anonymous') return 'pass anonymous';
      return `pass ${identity.kind} ${identity.kind === 'user' ? identity.aor : identity.name}`;
    }
    default:
      return `drop ${outcome.reason}`;
  }
}

/** All promises that need no outside event have run. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}
