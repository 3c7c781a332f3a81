// A registrar over a store that answers when it is told to, and phones that register over flows of their own.
import type { LogFields, Logger } from '../../../src/core/logger.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { defaultRegistrarLimits, type RegistrarLimits } from '../../../src/registration/bindings.ts';
import type { BindingRecord, LocationStore } from '../../../src/registration/location.ts';
import { Registrar } from '../../../src/registration/registrar.ts';
import type { Upstream } from '../../../src/registration/registrar-parts.ts';
import type { SipRequest, SipResponse } from '../../../src/sip/message/message.ts';
import type { Flow, Identity, ServerTransaction } from '../../../src/sip/user-agent/session.ts';
import { MemoryLocationStore } from '../../../src/store/memory/location-store.ts';
import { FakeScheduler, SeededRandom } from '../../support/fake-time.ts';
import { fakeFlow } from '../../support/fake-transport.ts';
import { type RequestOptions, request } from '../../support/sip-messages.ts';

export const alice: Identity = { kind: 'user', aor: 'alice@pbx.test', name: 'alice', domain: 'pbx.test' };
export const bob: Identity = { kind: 'user', aor: 'bob@pbx.test', name: 'bob', domain: 'pbx.test' };

/** `slow`: calls wait for `go`. `broken`: they reject. `hung`: they never settle. */
export class MoodyStore implements LocationStore {
  mood: 'prompt' | 'slow' | 'broken' | 'hung' = 'prompt';
  saves = 0;
  readonly #memory = new MemoryLocationStore();
  #waiting: (() => void)[] = [];

  async find(aor: string): Promise<readonly BindingRecord[]> {
    await this.#answer();
    return this.#memory.find(aor);
  }

  async save(aor: string, bindings: readonly BindingRecord[]): Promise<void> {
    await this.#answer();
    this.saves += 1;
    await this.#memory.save(aor, bindings);
  }

  async all(): Promise<readonly BindingRecord[]> {
    await this.#answer();
    return this.#memory.all();
  }

  /** Lets calls go that wait now. */
  async go(): Promise<void> {
    for (const answer of this.#waiting.splice(0)) answer();
    await settled();
  }

  #answer(): Promise<void> {
    if (this.mood === 'broken') return Promise.reject(new Error('the disk is on fire'));
    if (this.mood === 'hung') return new Promise(() => {});
    if (this.mood === 'slow') return new Promise((resolve) => this.#waiting.push(resolve));
    return Promise.resolve();
  }
}

export class RegistrarKit {
  readonly store = new MoodyStore();
  readonly scheduler = new FakeScheduler();
  readonly registrar: Registrar;
  readonly errors: LogFields[] = [];
  readonly news: LogFields[] = [];
  /** Where registrations are forwarded to. */
  upstream: Upstream | undefined;
  /** Flows whose dialogs were moved. */
  readonly moved: string[] = [];
  readonly #dead = new Set<string>();

  constructor(limits: Partial<RegistrarLimits> = {}) {
    const logger: Logger = {
      ...silentLogger,
      info: (event, fields = {}) => this.news.push({ event, ...fields }),
      error: (_event, fields = {}) => this.errors.push(fields),
    };
    this.registrar = new Registrar({
      store: this.store,
      scheduler: this.scheduler,
      random: new SeededRandom(),
      logger,
      limits: { ...defaultRegistrarLimits, ...limits },
      isAlive: (flow) => !this.#dead.has(flow.id),
      domainOf: (host) => (host === 'pbx.test' || host === 'sbc.example.com' ? 'pbx.test' : undefined),
      upstreamOf: () => this.upstream,
      onRegistered: () => {},
      onMoved: (oldFlowId, flow) => this.moved.push(`${oldFlowId} to ${flow.id}`),
    });
  }

  /** Sends a REGISTER; `answers` fills when it is answered. */
  start(message: SipRequest, flow = phoneFlow(1), identity: Identity = alice): readonly SipResponse[] {
    const answers: SipResponse[] = [];
    this.registrar.onRegister(message, transactionOf(message, flow, answers), identity);
    return answers;
  }

  /** Sends a REGISTER and waits for the answer. */
  async register(message: SipRequest, flow = phoneFlow(1), identity: Identity = alice): Promise<SipResponse> {
    const answers = this.start(message, flow, identity);
    await settled();
    const [answer, ...others] = answers;
    if (answer === undefined || others.length > 0) throw new Error(`expected one answer, got ${answers.length}`);
    return answer;
  }

  close(flow: Flow): void {
    this.#dead.add(flow.id);
    this.registrar.flowClosed(flow);
  }

  /** Dead, but nobody has said so yet. */
  kill(flow: Flow): void {
    this.#dead.add(flow.id);
  }

  /** Contact URIs that calls reach, with the flow that they go over. */
  async reachable(aor = 'alice@pbx.test'): Promise<readonly string[]> {
    return (await this.registrar.reachable(aor)).map(({ record, flow }) => `${record.contact} over ${flow.id}`);
  }

  async stored(aor = 'alice@pbx.test'): Promise<readonly string[]> {
    return (await this.store.find(aor)).map(({ contact }) => contact);
  }
}

/** The connection of a phone. */
export function phoneFlow(number: number): Flow {
  return fakeFlow({
    transport: 'tls',
    id: `flow-${number}`,
    remote: { address: '198.51.100.1', port: 40_000 + number },
  });
}

export interface RegisterOptions extends Omit<RequestOptions, 'headers'> {
  readonly contacts?: readonly string[];
  readonly expires?: string;
  readonly to?: string;
  readonly more?: readonly (readonly [string, string])[];
}

/** A REGISTER of alice. */
export function registerRequest({
  contacts = [],
  expires,
  to = 'sip:alice@pbx.test',
  more = [],
  ...options
}: RegisterOptions): SipRequest {
  const headers: (readonly [string, string])[] = contacts.map((contact) => ['Contact', contact]);
  if (expires !== undefined) headers.push(['Expires', expires]);
  const message = request('REGISTER', {
    uri: 'sip:pbx.test',
    callId: 'phone-1',
    ...options,
    headers: [...headers, ...more],
  });
  return { ...message, headers: message.headers.with('To', `<${to}>`) };
}

export function contactsOf(response: SipResponse): readonly string[] {
  return response.headers.all('Contact');
}

/** Lets every promise that can settle do so. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

function transactionOf(message: SipRequest, flow: Flow, answers: SipResponse[]): ServerTransaction {
  return {
    request: message,
    flow,
    id: 'transaction',
    cancelled: false,
    respond: (response) => answers.push(response),
    acknowledged: () => {},
    abandon: () => {},
    onTransportError: undefined,
    onEnded: undefined,
  };
}
