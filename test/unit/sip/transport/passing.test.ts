// Two processes with sockets of their own, joined by a link that loses nothing: what one has passed goes no further.
import { afterEach, expect, test } from 'vitest';
import type { SipRequest } from '../../../../src/sip/message/message.ts';
import { ProcessFlows } from '../../../../src/sip/transport/process-flows.ts';
import type { ProcessFrame } from '../../../../src/sip/transport/process-frames.ts';
import { processMark } from '../../../../src/sip/transport/process-mark.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';
import { cancelOf, request } from '../../../support/sip-messages.ts';
import { closeAll, connectPeer, openSite, type Site, wire } from './transport-kit.ts';

afterEach(closeAll);

/** More than any message may go from one to the other. */
const tooMany = 20;

interface Ends {
  readonly sites: readonly [Site, Site];
  readonly flows: readonly [ProcessFlows, ProcessFlows];
  /** Kinds of frames that went over the link. */
  readonly sent: string[];
}

async function openTwo(): Promise<Ends> {
  const sent: string[] = [];
  const flowsOf = (process: number, other: () => ProcessFlows | undefined): ProcessFlows =>
    new ProcessFlows({
      process,
      processes: 2,
      run: `r${process}`,
      link: {
        others: [3 - process],
        send: (_to: number, frame: ProcessFrame, body = new Uint8Array(0)) => {
          if (sent.length >= tooMany) return false;
          sent.push(`${process} ${frame.type}`);
          other()?.onFrame({ process, run: `r${process}` }, frame, body);
          return true;
        },
      },
      scheduler: new FakeScheduler(),
      rateOf: () => undefined,
      earlierFlowId: (run, id) => `earlier:${run}:${id}`,
      onRefused: () => {},
      onCame: () => 0,
    });
  const first: ProcessFlows = flowsOf(1, () => second);
  const second: ProcessFlows = flowsOf(2, () => first);
  const sites = [
    await openSite({ isShared: true }, {}, first),
    await openSite({ isShared: true }, {}, second),
  ] as const;
  first.serve(sites[0].transports);
  second.serve(sites[1].transports);
  return { sites, flows: [first, second], sent };
}

function replacing(process: number): SipRequest {
  const headers = [['Replaces', `c;to-tag=${processMark(process)}1;from-tag=b`]] as const;
  return request('INVITE', { branch: 'z9hG4bKsame', headers });
}

test('a CANCEL whose INVITE each of two processes passed to the other ends at the second one', async () => {
  const { sites, sent } = await openTwo();
  const [one, two] = sites;
  const [here, there] = [await connectPeer(one.port), await connectPeer(two.port)];
  here.write(wire(replacing(2)));
  await two.upstairs.request();
  there.write(wire(replacing(1)));
  await one.upstairs.request();
  expect(sent).toEqual(['1 message', '2 message']);
  here.write(wire(cancelOf(replacing(2))));
  const { message } = await two.upstairs.request();
  expect(message.method).toBe('CANCEL');
  expect(sent).toEqual(['1 message', '2 message', '1 message']);
  expect(one.upstairs.messages.count).toBe(1);
});

test('a flow of another process that is gone there is gone here', async () => {
  const { sites, flows } = await openTwo();
  const [one, two] = sites;
  const peer = await connectPeer(one.port);
  peer.write(wire(replacing(2)));
  const { flow } = await two.upstairs.request();
  expect(two.transports.isAlive(flow)).toBe(true);
  peer.socket.destroy();
  expect(await two.upstairs.closed.next()).toBe(flow);
  expect(flows[1].isAlive(flow.id)).toBe(false);
});
