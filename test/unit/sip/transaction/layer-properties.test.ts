import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ClientTransaction, ServerTransaction } from '../../../../src/sip/transaction/transaction-layer.ts';
import type { Flow } from '../../../../src/sip/transport/transport.ts';
import { fakeFlow, nextHop } from '../../../support/fake-transport.ts';
import { request, requestWithoutVia, response } from '../../../support/sip-messages.ts';
import { LayerKit, tlsFlow, udpFlow } from './layer-kit.ts';

/** One thing that peers, the user, the network or time may do. Indices are taken modulo what there is. */
type Step =
  | { readonly type: 'request'; readonly method: string; readonly branch: number; readonly flow: number }
  | { readonly type: 'respond'; readonly server: number; readonly status: number }
  | { readonly type: 'send'; readonly method: string; readonly isReliable: boolean }
  | { readonly type: 'answer'; readonly client: number; readonly status: number }
  | { readonly type: 'cancel' | 'abandon client' | 'abandon server'; readonly index: number }
  | { readonly type: 'network'; readonly fails: boolean; readonly holds: boolean }
  | { readonly type: 'release' }
  | { readonly type: 'wait'; readonly duration: number };

const index = fc.nat(7);
const status = fc.constantFrom(100, 180, 200, 299, 302, 408, 487, 603);
const method = fc.constantFrom('INVITE', 'INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('request' as const), method, branch: fc.nat(3), flow: fc.nat(2) }),
  fc.record({ type: fc.constant('respond' as const), server: index, status }),
  fc.record({ type: fc.constant('send' as const), method: fc.constantFrom('INVITE', 'BYE'), isReliable: fc.boolean() }),
  fc.record({ type: fc.constant('answer' as const), client: index, status }),
  fc.record({ type: fc.constantFrom('cancel' as const, 'abandon client' as const, 'abandon server' as const), index }),
  fc.record({ type: fc.constant('network' as const), fails: fc.boolean(), holds: fc.boolean() }),
  fc.constant({ type: 'release' as const }),
  fc.record({ type: fc.constant('wait' as const), duration: fc.constantFrom(0, 1, 199, 500, 4_000, 31_999, 32_000) }),
);

const flows: readonly Flow[] = [udpFlow, tlsFlow, fakeFlow({ remote: { address: '203.0.113.66', port: 5060 } })];

/** What happened to one transaction, as its owner heard it. */
interface Fate {
  outcomes: number;
  ends: number;
  isAbandoned: boolean;
}

class World {
  readonly kit = new LayerKit();
  readonly clients: { readonly transaction: ClientTransaction; readonly fate: Fate }[] = [];
  readonly servers: { readonly transaction: ServerTransaction; readonly fate: Fate; cancels: number }[] = [];

  constructor() {
    this.kit.answer = (transaction) => {
      const fate: Fate = { outcomes: 0, ends: 0, isAbandoned: false };
      transaction.onEnded = () => {
        fate.ends += 1;
      };
      this.servers.push({ transaction, fate, cancels: 0 });
    };
    this.kit.onCancel = (invite) => {
      const server = this.servers.find(({ transaction }) => transaction === invite);
      if (server !== undefined) server.cancels += 1;
    };
  }

  take(each: Step): void {
    switch (each.type) {
      case 'request':
        this.kit.receive(this.#incoming(each.method, each.branch), flows[each.flow] ?? udpFlow);
        return;
      case 'respond': {
        const server = pick(this.servers, each.server);
        server?.transaction.respond(response(server.transaction.request, each.status));
        return;
      }
      case 'send':
        this.#send(each.method, each.isReliable);
        return;
      case 'answer': {
        const client = pick(this.clients, each.client);
        if (client !== undefined) this.kit.receive(response(client.transaction.request, each.status));
        return;
      }
      case 'cancel':
        pick(this.clients, each.index)?.transaction.cancel();
        return;
      case 'abandon client':
        abandon(pick(this.clients, each.index));
        return;
      case 'abandon server':
        abandon(pick(this.servers, each.index));
        return;
      case 'network':
        this.kit.transport.failure = each.fails ? { code: 'send-failed', detail: 'test' } : undefined;
        this.kit.transport.holdsResults = each.holds;
        return;
      case 'release':
        this.kit.transport.release();
        return;
      case 'wait':
        this.kit.scheduler.advance(each.duration);
        return;
    }
  }

  /** The user does what it must: it answers what waits and cancels what rings. */
  finish(): void {
    this.kit.transport.release();
    for (const { transaction } of this.servers) transaction.respond(response(transaction.request, 500));
    for (const { transaction } of this.clients) transaction.cancel();
    this.kit.scheduler.advance(100_000);
    this.kit.transport.release();
    this.kit.scheduler.advance(100_000);
  }

  #incoming(name: string, branch: number) {
    return request(name, { branch: branch === 0 ? null : `z9hG4bK-${branch}`, callId: `call-${branch}` });
  }

  #send(name: string, isReliable: boolean): void {
    const fate: Fate = { outcomes: 0, ends: 0, isAbandoned: false };
    let hasFinal = false;
    const settle = (): void => {
      fate.outcomes += 1;
    };
    const to = isReliable ? nextHop({ transport: 'tls' }) : nextHop();
    const transaction = this.kit.request(requestWithoutVia(name), to, {
      onResponse: (answer) => {
        if (answer.status < 200 || (hasFinal && answer.status < 300)) return;
        hasFinal = true;
        settle();
      },
      onTimeout: settle,
      onTransportError: settle,
      onTerminated: () => {
        fate.ends += 1;
      },
    });
    this.clients.push({ transaction, fate });
  }
}

function pick<T>(list: readonly T[], at: number): T | undefined {
  return list.length === 0 ? undefined : list[at % list.length];
}

function abandon(of: { readonly transaction: { abandon(): void }; readonly fate: Fate } | undefined): void {
  if (of === undefined) return;
  of.fate.isAbandoned = true;
  of.transaction.abandon();
}

test('whatever happens in whatever order: one outcome and one end each, no answer to an ACK, nothing left', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const world = new World();
      for (const each of steps) {
        world.take(each);
        if (each.type === 'request' && each.method === 'ACK') {
          expect(world.kit.transport.takeSummaries().filter((text) => text.endsWith('ACK') && text !== 'ACK')).toEqual(
            [],
          );
        }
      }
      world.finish();
      for (const { fate } of world.clients) {
        expect(fate.ends).toBe(1);
        expect(fate.outcomes).toBeLessThanOrEqual(1);
        if (!fate.isAbandoned) expect(fate.outcomes).toBe(1);
      }
      for (const { fate, cancels } of world.servers) {
        expect(fate.ends).toBe(1);
        expect(cancels).toBeLessThanOrEqual(1);
      }
      expect(world.kit.layer.counts.userErrors).toBe(0);
      world.kit.expectEmpty();
    }),
    { seed: 6_026, numRuns: 1_000 },
  );
});
