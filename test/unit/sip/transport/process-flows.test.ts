// Two processes that share listeners, joined by a link that loses nothing: whose a message is, and what becomes of flows of the other one.
import { describe, expect, test } from 'vitest';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { noBody, type SipMessage } from '../../../../src/sip/message/message.ts';
import {
  type Came,
  cameRecently,
  isElsewhere,
  mostOnOneFlow,
  ProcessFlows,
} from '../../../../src/sip/transport/process-flows.ts';
import type { ProcessFrame } from '../../../../src/sip/transport/process-frames.ts';
import { processMark } from '../../../../src/sip/transport/process-mark.ts';
import type { Flow } from '../../../../src/sip/transport/transport.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';

const bytes = Buffer.from('BYE');

function flow(id: string, transport: 'tls' | 'udp' = 'tls'): Flow {
  const reliable = transport !== 'udp';
  const local = { address: '192.0.2.1', port: 5_061 };
  const remote = { address: '198.51.100.7', port: 40_000 };
  return {
    id,
    listener: 'phones',
    network: 'outside',
    transport,
    reliable,
    secure: reliable,
    local,
    remote,
    peerNames: [],
  };
}

class Process {
  readonly flows: ProcessFlows;
  readonly scheduler = new FakeScheduler();
  readonly took: Flow[] = [];
  readonly relayed: { readonly flow: string; readonly text: string; readonly serves: boolean }[] = [];
  readonly lost: string[] = [];
  readonly came: Came[] = [];
  /** Connections here. */
  readonly open = new Set<string>();
  moves = 0;
  rate: number | undefined = 2;
  other: Process | undefined;
  /** The other one is not reached. */
  isCut = false;
  readonly run: string;
  readonly process: number;

  constructor(process: number, run: string) {
    this.process = process;
    this.run = run;
    this.flows = new ProcessFlows({
      process,
      run,
      processes: 2,
      link: {
        others: [3 - process],
        send: (to: number, frame: ProcessFrame, body = new Uint8Array(0)) => {
          if (to !== 3 - process || this.isCut) return false;
          this.other?.flows.onFrame({ process, run: this.run }, frame, body);
          return true;
        },
      },
      scheduler: this.scheduler,
      rateOf: () => this.rate,
      earlierFlowId: (earlier, id) => `earlier:${earlier}:${id}`,
      onCame: (came) => {
        this.came.push(came);
        return this.moves;
      },
    });
    this.flows.serve({
      take: (_bytes, over) => void this.took.push(over),
      relay: (id, sent, serves) => {
        this.relayed.push({ flow: id, text: Buffer.from(sent).toString(), serves });
        return this.open.has(id);
      },
      isOpen: (id) => this.open.has(id),
      gone: ({ id }) => void this.lost.push(id),
    });
  }

  /** A phone connects. */
  connect(id: string): Flow {
    this.open.add(id);
    return flow(id);
  }

  disconnect(over: Flow): void {
    this.open.delete(over.id);
    this.flows.flowClosed(over);
  }
}

function two(): { readonly one: Process; readonly two: Process } {
  const [one, other] = [new Process(1, 'r1'), new Process(2, 'r2')];
  one.other = other;
  other.other = one;
  return { one, two: other };
}

function message(branch: string, toTag: string | undefined, isResponse = false): SipMessage {
  const headers = Headers.of(
    ['Via', `SIP/2.0/TLS 198.51.100.7;branch=${branch}`],
    ['From', '<sip:alice@pbx.test>;tag=a'],
    ['To', `<sip:bob@pbx.test>${toTag === undefined ? '' : `;tag=${toTag}`}`],
    ['Call-ID', 'c'],
    ['CSeq', '1 BYE'],
  );
  return isResponse
    ? { kind: 'response', status: 200, reason: 'OK', headers, body: noBody }
    : { kind: 'request', method: 'BYE', uri: 'sip:sbc', headers, body: noBody };
}

describe('whose a message is', () => {
  const theirs = processMark(2);
  test.each([
    ['a request in a dialog of the other one', message('z9hG4bKx', `${theirs}12ab`), 2],
    ['a response to a request of the other one', message(`z9hG4bK${theirs}12ab`, 'b', true), 2],
    ['that in capitals', message(`Z9HG4BK${theirs.toUpperCase()}12ab`, 'b', true), 2],
    ['a request in a dialog of ours', message('z9hG4bKx', `${processMark(1)}12ab`), undefined],
    ['a request outside a dialog', message('z9hG4bKx', undefined), undefined],
    ['a request whose branch has a mark', message(`z9hG4bK${theirs}12ab`, undefined), undefined],
    ['a response whose tag has a mark', message('z9hG4bKx', `${theirs}12ab`, true), undefined],
    ['a tag of somebody else', message('z9hG4bKx', 'p2a-12ab'), undefined],
    ['a process that there is not', message('z9hG4bKx', `${processMark(3)}12ab`), undefined],
    ['none at all', message('z9hG4bKx', `${processMark(0)}12ab`), undefined],
  ])('%s', (_what, one, owner) => {
    expect(two().one.flows.ownerOf(one)).toBe(owner);
  });
});

describe('a flow of another process', () => {
  test('is alive here once something came over it, and is answered over there', () => {
    const { one, two: owner } = two();
    const phone = one.connect('flow-7');
    one.flows.pass(2, phone, bytes);
    const [here] = owner.took;
    expect(here).toMatchObject({ listener: 'phones', remote: phone.remote });
    expect(isElsewhere(here?.id ?? '')).toBe(true);
    expect(owner.flows.isAlive(here?.id ?? '')).toBe(true);
    expect(owner.flows.send(here ?? phone, Buffer.from('200'), true)).toBeUndefined();
    expect(one.relayed).toEqual([{ flow: 'flow-7', text: '200', serves: true }]);
    expect(one.flows.counts).toEqual({ passed: 1, dropped: 0 });
  });

  test('is the same one each time', () => {
    const { one, two: owner } = two();
    const phone = one.connect('flow-7');
    one.flows.pass(2, phone, bytes);
    one.flows.pass(2, phone, bytes);
    expect(owner.took[1]).toBe(owner.took[0]);
  });

  test('is gone here when it is gone there, and when its process is', () => {
    const { one, two: owner } = two();
    const [first, second] = [one.connect('flow-1'), one.connect('flow-2')];
    one.flows.pass(2, first, bytes);
    one.flows.pass(2, second, bytes);
    one.disconnect(first);
    expect(owner.lost).toEqual(['process:1:r1:flow-1']);
    owner.flows.onGone({ process: 1, run: 'another' });
    expect(owner.lost).toHaveLength(1);
    owner.flows.onGone({ process: 1, run: 'r1' });
    expect(owner.lost).toEqual(['process:1:r1:flow-1', 'process:1:r1:flow-2']);
    expect(owner.flows.send({ ...second, id: 'process:1:r1:flow-2' }, bytes, false)).toMatchObject({
      code: 'flow-gone',
    });
  });

  test('that closed on the way is told of', () => {
    const { one, two: owner } = two();
    one.flows.pass(2, flow('flow-9'), bytes);
    owner.flows.send({ ...flow('flow-9'), id: 'process:1:r1:flow-9' }, bytes, false);
    expect(owner.flows.isAlive('process:1:r1:flow-9')).toBe(false);
  });

  test('of datagrams is ours too: the same address', () => {
    const { one, two: owner } = two();
    one.flows.pass(2, flow('phones|198.51.100.7|40000', 'udp'), bytes);
    expect(owner.took).toEqual([flow('phones|198.51.100.7|40000', 'udp')]);
    expect(owner.flows.isAlive('phones|198.51.100.7|40000')).toBe(false);
  });

  test('says that it is overloaded where the link takes no more', () => {
    const { one, two: owner } = two();
    one.flows.pass(2, one.connect('flow-7'), bytes);
    owner.isCut = true;
    expect(owner.flows.send({ ...flow('flow-7'), id: 'process:1:r1:flow-7' }, bytes, false)).toMatchObject({
      code: 'overloaded',
    });
  });
});

describe('a phone that comes to another process', () => {
  const alice = { aor: 'alice@pbx.test', key: 'k' };

  test('is told of with the flow that it had, by the name that this one has for it', () => {
    const { one, two: owner } = two();
    const phone = one.connect('flow-7');
    const names = (before: Parameters<ProcessFlows['came']>[0]['before']): readonly string[] | undefined => {
      one.flows.came({ ...alice, before }, phone);
      return owner.came.at(-1)?.before;
    };
    expect(names({ process: 2, run: 'r2', flow: 'flow-3' })).toEqual(['flow-3', 'process:1:r1:flow-7']);
    expect(names({ process: 2, run: 'r0', flow: 'flow-3' })).toEqual(['earlier:r0:flow-3', 'process:1:r1:flow-7']);
    expect(names({ process: 1, run: 'r1', flow: 'flow-3' })).toEqual(['process:1:r1:flow-3', 'process:1:r1:flow-7']);
    expect(names(undefined)).toEqual(['process:1:r1:flow-7']);
  });

  test('has a flow here only where it has a call here', () => {
    const { one, two: owner } = two();
    one.flows.came({ ...alice, before: undefined }, one.connect('flow-7'));
    expect(owner.flows.isAlive('process:1:r1:flow-7')).toBe(false);
    owner.moves = 1;
    const next = one.connect('flow-8');
    one.flows.came({ ...alice, before: undefined }, next);
    expect(owner.flows.isAlive('process:1:r1:flow-8')).toBe(true);
    one.disconnect(next);
    expect(owner.lost).toEqual(['process:1:r1:flow-8']);
  });

  test('that is gone again before this one has a use for its flow is gone here', () => {
    const { one, two: owner } = two();
    owner.moves = 1;
    one.flows.came({ ...alice, before: undefined }, flow('flow-9'));
    expect(owner.lost).toEqual(['process:1:r1:flow-9']);
  });

  test('is told of again to a process that was started again meanwhile, if it came lately or has a call there', () => {
    const { one, two: owner } = two();
    const [watched, recent] = [one.connect('flow-1'), one.connect('flow-2')];
    one.flows.came({ ...alice, before: undefined }, one.connect('flow-0'));
    owner.moves = 1;
    one.flows.came({ ...alice, before: undefined }, watched);
    owner.moves = 0;
    one.scheduler.advance(cameRecently);
    one.flows.came({ aor: 'bob@pbx.test', key: 'k', before: undefined }, recent);
    const again = new Process(2, 'r3');
    one.other = again;
    one.flows.onReached(2);
    expect(again.came.map(({ flow: { id } }) => id)).toEqual(['process:1:r1:flow-1', 'process:1:r1:flow-2']);
  });

  test('over datagrams is news only where it was elsewhere before', () => {
    const { one, two: owner } = two();
    one.flows.came({ ...alice, before: undefined }, flow('u', 'udp'));
    expect(owner.came).toEqual([]);
    one.flows.came({ ...alice, before: { process: 2, run: 'r2', flow: 'v' } }, flow('u', 'udp'));
    expect(owner.came).toMatchObject([{ before: ['v'], flow: { id: 'u' } }]);
  });
});

describe('what is passed on', () => {
  test('is bounded for each source, but for peers of ours', () => {
    const { one, two: owner } = two();
    const phone = flow('u', 'udp');
    for (let sent = 0; sent < 5; sent += 1) one.flows.pass(2, phone, bytes);
    expect(owner.took).toHaveLength(2);
    expect(one.flows.counts).toEqual({ passed: 2, dropped: 3 });
    one.flows.pass(2, { ...phone, remote: { address: '198.51.100.8', port: 1 } }, bytes);
    one.scheduler.advance(1_000);
    one.flows.pass(2, phone, bytes);
    expect(owner.took).toHaveLength(4);
    one.rate = undefined;
    for (let sent = 0; sent < 5; sent += 1) one.flows.pass(2, phone, bytes);
    expect(owner.took).toHaveLength(9);
  });

  test('and has no room on the link is counted', () => {
    const { one } = two();
    one.isCut = true;
    one.flows.pass(2, flow('u', 'udp'), bytes);
    expect(one.flows.counts).toEqual({ passed: 0, dropped: 1 });
  });

  test('of phones that come is kept for a while, and for so many on a flow', () => {
    const { one } = two();
    const phone = one.connect('flow-1');
    for (let contact = 0; contact < 3 * mostOnOneFlow; contact += 1) {
      one.flows.came({ aor: 'alice@pbx.test', key: `k${contact}`, before: undefined }, phone);
    }
    const heard = (): readonly string[] => {
      const again = new Process(2, 'r3');
      one.other = again;
      one.flows.onReached(2);
      return again.came.map(({ key }) => key);
    };
    expect(heard()).toHaveLength(mostOnOneFlow);
    expect(heard().at(-1)).toBe(`k${3 * mostOnOneFlow - 1}`);
    one.scheduler.advance(cameRecently);
    one.flows.came({ aor: 'bob@pbx.test', key: 'k', before: undefined }, one.connect('flow-2'));
    expect(heard()).toEqual(['k']);
  });
});
