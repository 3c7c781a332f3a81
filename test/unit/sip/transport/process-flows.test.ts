// Two processes that share listeners, joined by a link that loses nothing: whose a message is, and what becomes of flows of the other one.
import { describe, expect, test } from 'vitest';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { noBody, type SipMessage, type SipRequest, type SipResponse } from '../../../../src/sip/message/message.ts';
import { setupLimits } from '../../../../src/sip/transport/passed-setups.ts';
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

function flow(id: string, transport: 'tls' | 'udp' = 'tls', from = '198.51.100.7'): Flow {
  const reliable = transport !== 'udp';
  const local = { address: '192.0.2.1', port: 5_061 };
  const remote = { address: from, port: 40_000 };
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
  /** The other one is not reached, or takes nothing but what ends something. */
  isCut: boolean | 'full' = false;
  readonly refused: string[] = [];
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
        send: (to: number, frame: ProcessFrame, body = new Uint8Array(0), isLast = false) => {
          if (to !== 3 - process || this.isCut === true || (this.isCut === 'full' && !isLast)) return false;
          this.other?.flows.onFrame({ process, run: this.run }, frame, body);
          return true;
        },
      },
      scheduler: this.scheduler,
      rateOf: () => this.rate,
      earlierFlowId: (earlier, id) => `earlier:${earlier}:${id}`,
      onRefused: ({ method }, { id }) => void this.refused.push(`${method} ${id}`),
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

const headers = headersOf('z9hG4bKx', `${processMark(2)}12ab`);
const bye: SipRequest = { kind: 'request', method: 'BYE', uri: 'sip:sbc', headers, body: noBody };
const ok: SipResponse = { kind: 'response', status: 200, reason: 'OK', headers, body: noBody };

function invite(more: readonly (readonly [string, string])[] = [], branch = 'z9hG4bKi'): SipRequest {
  const fields = headersOf(branch, undefined)
    .with('CSeq', '1 INVITE')
    .append(...(more[0] ?? ['Subject', 'none']));
  return { kind: 'request', method: 'INVITE', uri: 'sip:sbc', headers: fields, body: noBody };
}

function cancelOf(one: SipRequest): SipRequest {
  return { ...one, method: 'CANCEL', headers: one.headers.with('CSeq', '1 CANCEL') };
}

function two(): { readonly one: Process; readonly two: Process } {
  const [one, other] = [new Process(1, 'r1'), new Process(2, 'r2')];
  one.other = other;
  other.other = one;
  return { one, two: other };
}

function headersOf(branch: string, toTag: string | undefined): Headers {
  return Headers.of(
    ['Via', `SIP/2.0/TLS 198.51.100.7;branch=${branch}`],
    ['From', '<sip:alice@pbx.test>;tag=a'],
    ['To', `<sip:bob@pbx.test>${toTag === undefined ? '' : `;tag=${toTag}`}`],
    ['Call-ID', 'c'],
    ['CSeq', '1 BYE'],
  );
}

function message(branch: string, toTag: string | undefined, isResponse = false): SipMessage {
  const headers = headersOf(branch, toTag);
  return isResponse ? { ...ok, headers } : { ...bye, headers };
}

describe('whose a message is', () => {
  const theirs = processMark(2);
  const replacing = (value: string): SipRequest => invite([['Replaces', value]]);
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
    ['an INVITE that would replace a dialog of the other one', replacing(`c;to-tag=${theirs}1;from-tag=b`), 2],
    ['one of ours', replacing(`c;to-tag=${processMark(1)}1;from-tag=${theirs}1`), undefined],
    ['one that cannot be read', replacing(`c;to-tag=${theirs}1`), undefined],
    ['not an INVITE', { ...replacing(`c;to-tag=${theirs}1;from-tag=b`), method: 'OPTIONS' }, undefined],
  ])('%s', (_what, one, owner) => {
    expect(two().one.flows.ownerOf(one, flow('u', 'udp'))).toBe(owner);
  });
});

describe('a CANCEL', () => {
  const replacing = invite([['Replaces', `c;to-tag=${processMark(2)}1;from-tag=b`]]);
  const phone = flow('u', 'udp');
  const numbered = (count: number): readonly SipRequest[] =>
    Array.from({ length: count }, (_, index) => invite([], `z9hG4bK${index}`));

  test('goes where its INVITE went, as long as that may be answered', () => {
    const { one } = two();
    expect(one.flows.ownerOf(cancelOf(replacing), phone)).toBeUndefined();
    one.flows.pass(2, replacing, phone, bytes);
    expect(one.flows.ownerOf(cancelOf(replacing), phone)).toBe(2);
    expect(one.flows.ownerOf(cancelOf(invite([], 'z9hG4bKother')), phone)).toBeUndefined();
    one.scheduler.advance(setupLimits.longest);
    expect(one.flows.ownerOf(cancelOf(replacing), phone)).toBeUndefined();
  });

  test('goes nowhere else for an INVITE of another source or listener, whatever its branch', () => {
    const { one } = two();
    one.flows.pass(2, replacing, flow('v', 'udp', '203.0.113.9'), bytes);
    one.flows.pass(2, replacing, { ...phone, listener: 'others' }, bytes);
    expect(one.flows.ownerOf(cancelOf(replacing), phone)).toBeUndefined();
    one.flows.pass(2, replacing, phone, bytes);
    expect(one.flows.ownerOf(cancelOf(replacing), phone)).toBe(2);
  });

  test('of one of very many that a source had passed on is known for the latest of them', () => {
    const { one } = two();
    one.rate = undefined;
    const all = numbered(setupLimits.ofSource + 1);
    for (const each of all) one.flows.pass(2, each, phone, bytes);
    const known = all.filter((each) => one.flows.ownerOf(cancelOf(each), phone) === 2);
    expect(known).toHaveLength(setupLimits.ofSource);
    expect(known[0]).toBe(all[1]);
  });

  test('of one source is known however many another one had passed on', () => {
    const { one } = two();
    one.rate = undefined;
    one.flows.pass(2, replacing, phone, bytes);
    const other = flow('v', 'udp', '203.0.113.9');
    for (const each of numbered(setupLimits.setups)) one.flows.pass(2, each, other, bytes);
    expect(one.flows.ownerOf(cancelOf(replacing), phone)).toBe(2);
  });

  test('of many sources is known for the latest', () => {
    const { one } = two();
    one.rate = undefined;
    const all = Array.from({ length: setupLimits.setups + 1 }, (_, index) =>
      flow('u', 'udp', `10.1.${index >> 8}.${index & 255}`),
    );
    for (const each of all) one.flows.pass(2, replacing, each, bytes);
    const known = all.filter((each) => one.flows.ownerOf(cancelOf(replacing), each) === 2);
    expect(known).toHaveLength(setupLimits.setups);
    expect(known[0]).toBe(all[1]);
  });

  test('of an INVITE that was not passed on is for nobody else', () => {
    const { one } = two();
    one.isCut = true;
    one.flows.pass(2, replacing, phone, bytes);
    expect(one.flows.ownerOf(cancelOf(replacing), phone)).toBeUndefined();
  });
});

describe('a flow of another process', () => {
  test('is alive here once something came over it, and is answered over there', () => {
    const { one, two: owner } = two();
    const phone = one.connect('flow-7');
    one.flows.pass(2, bye, phone, bytes);
    const [here] = owner.took;
    expect(here).toMatchObject({ listener: 'phones', remote: phone.remote });
    expect(isElsewhere(here?.id ?? '')).toBe(true);
    expect(owner.flows.isAlive(here?.id ?? '')).toBe(true);
    expect(owner.flows.send(ok, here ?? phone, Buffer.from('200'), true)).toBeUndefined();
    expect(one.relayed).toEqual([{ flow: 'flow-7', text: '200', serves: true }]);
    expect(one.flows.counts).toEqual({ passed: 1, refused: 0, dropped: 0 });
  });

  test('is the same one each time', () => {
    const { one, two: owner } = two();
    const phone = one.connect('flow-7');
    one.flows.pass(2, bye, phone, bytes);
    one.flows.pass(2, bye, phone, bytes);
    expect(owner.took[1]).toBe(owner.took[0]);
  });

  test('is gone here when it is gone there, and when its process is', () => {
    const { one, two: owner } = two();
    const [first, second] = [one.connect('flow-1'), one.connect('flow-2')];
    one.flows.pass(2, bye, first, bytes);
    one.flows.pass(2, bye, second, bytes);
    one.disconnect(first);
    expect(owner.lost).toEqual(['process:1:r1:flow-1']);
    owner.flows.onGone({ process: 1, run: 'another' });
    expect(owner.lost).toHaveLength(1);
    owner.flows.onGone({ process: 1, run: 'r1' });
    expect(owner.lost).toEqual(['process:1:r1:flow-1', 'process:1:r1:flow-2']);
    expect(owner.flows.send(ok, { ...second, id: 'process:1:r1:flow-2' }, bytes, false)).toMatchObject({
      code: 'flow-gone',
    });
  });

  test('that closed on the way is told of', () => {
    const { one, two: owner } = two();
    one.flows.pass(2, bye, flow('flow-9'), bytes);
    owner.flows.send(ok, { ...flow('flow-9'), id: 'process:1:r1:flow-9' }, bytes, false);
    expect(owner.flows.isAlive('process:1:r1:flow-9')).toBe(false);
  });

  test('of datagrams is ours too: the same address', () => {
    const { one, two: owner } = two();
    one.flows.pass(2, bye, flow('phones|198.51.100.7|40000', 'udp'), bytes);
    expect(owner.took).toEqual([flow('phones|198.51.100.7|40000', 'udp')]);
    expect(owner.flows.isAlive('phones|198.51.100.7|40000')).toBe(false);
  });

  test('says that it is overloaded where the link takes no more', () => {
    const { one, two: owner } = two();
    one.flows.pass(2, bye, one.connect('flow-7'), bytes);
    owner.isCut = true;
    expect(owner.flows.send(ok, { ...flow('flow-7'), id: 'process:1:r1:flow-7' }, bytes, false)).toMatchObject({
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
    for (let sent = 0; sent < 5; sent += 1) one.flows.pass(2, bye, phone, bytes);
    expect(owner.took).toHaveLength(2);
    expect(one.flows.counts).toEqual({ passed: 2, refused: 0, dropped: 3 });
    one.flows.pass(2, bye, { ...phone, remote: { address: '198.51.100.8', port: 1 } }, bytes);
    one.scheduler.advance(1_000);
    one.flows.pass(2, bye, phone, bytes);
    expect(owner.took).toHaveLength(4);
    one.rate = undefined;
    for (let sent = 0; sent < 5; sent += 1) one.flows.pass(2, bye, phone, bytes);
    expect(owner.took).toHaveLength(9);
  });

  test('and has no room on the link is counted', () => {
    const { one } = two();
    one.isCut = true;
    one.flows.pass(2, bye, flow('u', 'udp'), bytes);
    expect(one.flows.counts).toEqual({ passed: 0, refused: 0, dropped: 1 });
  });

  test('and came over a connection is refused where there is no room: nobody says it again', () => {
    const { one, two: owner } = two();
    const phone = one.connect('flow-7');
    one.isCut = true;
    one.flows.pass(2, bye, phone, bytes);
    expect(one.refused).toEqual(['BYE flow-7']);
    // An ACK has no answer, and a response has had its own.
    one.flows.pass(2, { ...bye, method: 'ACK' }, phone, bytes);
    one.flows.pass(2, ok, phone, bytes);
    expect(one.refused).toHaveLength(1);
    expect(one.flows.counts).toEqual({ passed: 0, refused: 1, dropped: 2 });
    expect(owner.took).toEqual([]);
  });

  test('and came over a connection is refused over the rate of its source', () => {
    const { one } = two();
    const phone = one.connect('flow-7');
    for (let sent = 0; sent < 3; sent += 1) one.flows.pass(2, { ...bye, method: 'INFO' }, phone, bytes);
    expect(one.refused).toEqual(['INFO flow-7']);
    expect(one.flows.counts).toEqual({ passed: 2, refused: 1, dropped: 0 });
  });

  test('and ends something has a rate of its own: a phone that hears 503 to its BYE would leave a call that goes on', () => {
    const { one, two: owner } = two();
    const phone = one.connect('flow-7');
    for (let sent = 0; sent < 3; sent += 1) one.flows.pass(2, { ...bye, method: 'INFO' }, phone, bytes);
    one.flows.pass(2, bye, phone, bytes);
    one.flows.pass(2, { ...bye, method: 'ACK' }, phone, bytes);
    expect(owner.took).toHaveLength(4);
    one.flows.pass(2, bye, phone, bytes);
    expect(one.refused).toEqual(['INFO flow-7', 'BYE flow-7']);
  });

  test.each<[string, SipMessage, boolean]>([
    ['a BYE', bye, true],
    ['a CANCEL', { ...bye, method: 'CANCEL' }, true],
    ['an ACK', { ...bye, method: 'ACK' }, true],
    ['a final response', ok, true],
    ['a provisional response', { ...ok, status: 180 }, false],
    ['a re-INVITE', { ...bye, method: 'INVITE' }, false],
  ])('%s on a link that is full: what ends something has room for itself, both ways', (_what, one, hasRoom) => {
    const { one: from, two: owner } = two();
    const phone = from.connect('flow-7');
    from.rate = undefined;
    from.flows.pass(2, bye, phone, bytes);
    const here = owner.took[0] ?? phone;
    from.isCut = 'full';
    from.flows.pass(2, one, phone, bytes);
    expect(owner.took.length - 1).toBe(hasRoom ? 1 : 0);
    owner.isCut = 'full';
    expect(owner.flows.send(one, here, bytes, false) === undefined).toBe(hasRoom);
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
