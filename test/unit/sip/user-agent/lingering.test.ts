// Transactions outlive their call by half a minute (timers L and M); a busy process has thousands of them.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { request } from '../../../support/sip-messages.ts';
import { AgentKit, answer, toPbx } from './agent-kit.ts';

setFlagsFromString('--expose-gc');
const collect = (): void => {
  runInNewContext('gc()');
};

/** Whether what `make` returned is there when the call is over and its transactions are not. */
async function survives(kit: AgentKit, make: () => object): Promise<boolean> {
  const owner = new WeakRef(make());
  // A WeakRef holds on until the end of the turn that read it or made it.
  await new Promise(setImmediate);
  collect();
  expect(kit.agent.layer.active).toBeGreaterThan(0);
  return owner.deref() !== undefined;
}

test('a call that came in is not held by the transaction of its INVITE', async () => {
  const kit = new AgentKit();
  const isHeld = await survives(kit, () => {
    const owner = kit.handlers();
    const { call } = kit.incoming();
    const session = call.answer({ body: answer }, owner);
    const toTag = /tag=(\w+)/.exec(kit.transport.takeResponse().headers.get('To') ?? '')?.[1] ?? '';
    for (const [cseq, method] of [
      [1, 'ACK'],
      [2, 'BYE'],
    ] as const) {
      kit.receive(request(method, { protocol: 'TLS', toTag, cseq, branch: `z9hG4bK-${method}` }));
    }
    expect(kit.take()).toEqual(['ack', 'ended bye BYE']);
    kit.invites.length = 0;
    void session;
    return owner;
  });
  expect(isHeld).toBe(false);
});

test.each(['owner', 'session'] as const)(
  'of a call of ours the transaction of its INVITE does not hold the %s, and still ends other forks',
  async (which) => {
    const kit = new AgentKit();
    let invite = kit.connected().invite;
    kit.advance(60_000);
    const isHeld = await survives(kit, () => {
      const owner = kit.handlers();
      kit.invite({ destination: toPbx }, { session: owner });
      invite = kit.transport.takeRequest();
      kit.respond(invite, 200, { body: answer });
      const session = kit.sessions.splice(0).at(-1);
      if (session === undefined) throw new Error('not answered');
      session.bye();
      const bye = kit.lastRequest();
      kit.respond(bye, 200);
      expect(kit.take()).toEqual(['answered to-1', 'ended local']);
      return which === 'owner' ? owner : session;
    });
    expect(isHeld).toBe(false);
    kit.respond(invite, 200, { tag: 'another-fork', body: answer });
    expect(kit.sent()).toEqual(['ACK', 'BYE']);
  },
);
