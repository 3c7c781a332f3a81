// What cases of nodes that share a Redis have in common.
import { CallRefused } from '../../support/phone.ts';
import type { PhoneCall } from '../../support/phone-call.ts';
import { redisIsMissing } from '../../support/redis-server.ts';
import { Skipped } from '../case.ts';
import { SharedNodes } from './shared-nodes.ts';

export async function withNodes(run: (nodes: SharedNodes) => Promise<void>): Promise<void> {
  const missing = redisIsMissing();
  if (missing !== undefined) throw new Skipped(missing);
  const nodes = await SharedNodes.open();
  try {
    await run(nodes);
  } catch (thrown) {
    console.log(nodes.said());
    throw thrown;
  } finally {
    await nodes.close();
  }
}

/** 200 when it is answered: then it is ended at once. */
export async function statusOf({ answered }: { readonly answered: Promise<PhoneCall> }): Promise<number> {
  try {
    const call = await answered;
    await call.hangUp();
    return 200;
  } catch (thrown) {
    if (thrown instanceof CallRefused) return thrown.status;
    throw thrown;
  }
}
