// A site of two processes that one supervisor runs, over a real Redis, with phones that come to the one or the other.
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../support/free-ports.ts';
import type { Phone } from '../../support/phone.ts';
import type { PhoneCall } from '../../support/phone-call.ts';
import { redisIsMissing } from '../../support/redis-server.ts';
import { check, checkEqual, Skipped } from '../case.ts';
import { type NodeOptions, type NodePorts, type NodeProcess, SharedNodes } from './shared-nodes.ts';

export interface ProcessSite {
  readonly nodes: SharedNodes;
  readonly node: NodeProcess;
  readonly ports: NodePorts;
  /** Of a listener for phones over UDP. */
  readonly open: number;
}

/** Of a case that may take two minutes. */
const usualPatience = 85_000;

/** Of `[media]`: calls last while nobody talks in them, however slow the machine is. */
export const lastingCalls = 'timeout = "10m"';

/** `tables`: more of `[limits]`, `[media]` and `[admin]` of the configuration. Throws `Skipped` where there is no Redis. */
export async function withProcesses(
  tables: Pick<NodeOptions, 'limits' | 'media' | 'admin'>,
  run: (site: ProcessSite) => Promise<void>,
  patience = usualPatience,
): Promise<void> {
  const missing = redisIsMissing();
  if (missing !== undefined) throw new Skipped(missing);
  const nodes = await SharedNodes.open();
  try {
    const ports = { ...(await SharedNodes.ports()), inside: await freePorts(2) };
    const [link, open] = [await freePorts(2), await freePorts(1)];
    const sbc = `processes = 2\nprocess_port = ${link}`;
    const more = `
[[network]]
name = "open"
media = [{ address = "127.0.0.1" }]
encryption = "off"
allow_loopback_media = true
[[listener]]
name = "datagrams"
network = "open"
transport = "udp"
address = "127.0.0.1:${open}"
[transfers]
refer = "handle"
`;
    const node = await nodes.start({ node: 'edge', sbc, ...tables, more }, ports, { isSupervised: true });
    await ready(node, 1);
    await ready(node, 2);
    await Promise.race([run({ nodes, node, ports, open }), late(patience)]);
  } catch (thrown) {
    console.log(nodes.said());
    throw thrown;
  } finally {
    await nodes.close();
  }
}

/** A case that waits for ever tells nothing: what the processes said is printed for one that fails. */
async function late(patience: number): Promise<never> {
  await sleep(patience);
  throw new Error(`not over after ${patience} ms`);
}

/** Makes connections until the kernel gives one to that process. */
export async function registersAt(node: NodeProcess, phone: Phone, user: string, process: number): Promise<void> {
  for (let tries = 0; tries < 40; tries += 1) {
    await registers(phone);
    if (await isAt(node, user, process)) return;
    phone.disconnect();
  }
  throw new Error(`no connection came to process ${process}`);
}

export async function isAt(node: NodeProcess, user: string, process: number): Promise<boolean> {
  const registrations = await node.adminOf(process).registrations();
  check(registrations.ok, `process ${process} does not answer`);
  return registrations.value.some(({ aor, alive }) => aor === `${user}@pbx.test` && alive);
}

export async function registers(phone: Phone): Promise<void> {
  let status = 503;
  for (let tries = 0; status === 503 && tries < 5; tries += 1) {
    if (tries > 0) await sleep(1_000);
    status = await phone.register();
  }
  checkEqual(status, 200, 'registration');
}

/** Calls go on meanwhile: without media they would be over. */
export async function ready(
  node: NodeProcess,
  process: number,
  from = 0,
  ends: readonly PhoneCall[] = [],
): Promise<void> {
  const end = performance.now() + 40_000;
  const isReady = (): boolean =>
    node.log.slice(from).some(({ event, node: name }) => event === 'ready' && name === `edge-${process}`);
  while (!isReady()) {
    check(performance.now() < end, `process ${process} is not ready`);
    await Promise.all([sleep(50), ...ends.map((one) => one.talk(2))]);
  }
}

export async function processId(node: NodeProcess, process: number): Promise<number> {
  const status = await node.adminOf(process).status();
  check(status.ok, `process ${process} does not answer`);
  return status.value.process;
}
