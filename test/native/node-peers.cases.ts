// Several active nodes on one real Redis, in processes of their own: a call to a phone of another node goes there, over TCP, or over TLS where
// each shows the other a certificate.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { freePort } from '../support/free-ports.ts';
import { TestAuthority, type TestCertificate } from '../support/test-certificates.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { statusOf, withNodes } from './support/node-case.ts';
import { type NodePorts, type NodeProcess, SharedNodes } from './support/shared-nodes.ts';

export const cases: readonly NativeCase[] = [
  {
    name: 'a call to a phone of another node goes there over TCP, and audio crosses both nodes',
    limitMs: 90_000,
    run: () => withNodes(acrossNodes),
  },
  {
    name: 'an attended transfer of two calls that a phone has at different nodes joins them, and audio crosses both nodes',
    limitMs: 90_000,
    run: () => withNodes(putThrough),
  },
  {
    name: 'nodes that show each other certificates call each other over TLS; one of another name, or of another authority, is refused',
    limitMs: 180_000,
    run: () => withNodes(mutualCertificates),
  },
];

interface TwoNodes {
  readonly one: NodeProcess;
  readonly two: NodeProcess;
  readonly first: NodePorts;
  readonly second: NodePorts;
}

/** Each calls the other over TCP. `tables`: more of both. */
async function startTwo(nodes: SharedNodes, tables = ''): Promise<TwoNodes> {
  const [first, second] = [await SharedNodes.ports(), await SharedNodes.ports()];
  const [here, there] = [(await SharedNodes.ports()).edge, (await SharedNodes.ports()).edge];
  const site = (own: number, other: string, at: number): string => `${tables}
[[listener]]
name = "nodes"
network = "inside"
transport = "tcp"
address = "127.0.0.1:${own}"
[cluster]
listener = "nodes"
[[cluster.peer]]
node = "${other}"
uri = "sip:127.0.0.1:${at}"
accept_from = ["127.0.0.1"]
`;
  const one = await nodes.start({ node: 'one', more: site(here, 'two', there) }, first);
  const two = await nodes.start(
    { node: 'two', more: site(there, 'one', here) },
    { ...second, media: first.media + 200 },
  );
  return { one, two, first, second };
}

async function acrossNodes(nodes: SharedNodes): Promise<void> {
  const { one, two, first, second } = await startTwo(nodes);
  const [alice, bob] = [await nodes.phone('alice', first), await nodes.phone('bob', second)];
  checkEqual([await alice.register(), await bob.register()], [200, 200], 'registrations');
  // Alice's node asks the PBX, which calls Bob at Alice's node.
  const dialling = alice.call('bob');
  const bobsEnd = await (await bob.nextCall()).answer();
  const alicesEnd = await dialling.answered;
  await Promise.all([alicesEnd.talk(50), bobsEnd.talk(50)]);
  check(alicesEnd.heard.packets > 10 && bobsEnd.heard.packets > 10, 'audio does not cross');
  checkEqual(
    [alicesEnd, bobsEnd].map(({ heard }) => heard.unusable),
    [0, 0],
    'packets that could not be read',
  );
  await bobsEnd.hangUp();
  checkEqual((await alicesEnd.ended).cause, 'bye', 'end at the caller');
  checkEqual([await one.stop(), await two.stop()], [0, 0], 'exit codes');
  const callers = [...one.records(), ...two.records()].map(({ caller }) => String(caller));
  checkEqual(callers.toSorted(), ['pbx:main', 'pbx:node:one', 'user:alice@pbx.test'], 'callers of the records');
}

async function putThrough(nodes: SharedNodes): Promise<void> {
  const { one, two, first, second } = await startTwo(nodes, '[transfers]\nrefer = "handle"\n');
  const [desk, mobile] = [await nodes.phone('alice', first), await nodes.phone('alice', second)];
  const [bob, carol] = [await nodes.phone('bob', first), await nodes.phone('carol', second)];
  for (const phone of [desk, mobile, bob, carol]) checkEqual(await phone.register(), 200, 'a registration');
  const toBob = desk.call('bob');
  const atBob = await (await bob.nextCall()).answer();
  const fromDesk = await toBob.answered;
  const toCarol = mobile.call('carol');
  const atCarol = await (await carol.nextCall()).answer();
  const fromMobile = await toCarol.answered;
  const replaces = encodeURIComponent(fromMobile.replaces);
  checkEqual(await fromDesk.refer(`<sip:carol@pbx.test?Replaces=${replaces}>`), 202, 'the answer to REFER');
  const ends = await Promise.all([fromDesk.ended, fromMobile.ended]);
  checkEqual(
    ends.map(({ cause }) => cause),
    ['bye', 'bye'],
    'ends of the calls before',
  );
  const heard = [atBob, atCarol].map((end) => end.heard.packets);
  await Promise.all([atBob.talk(50), atCarol.talk(50)]);
  check(atBob.heard.packets > (heard[0] ?? 0) + 5, 'Bob does not hear Carol');
  check(atCarol.heard.packets > (heard[1] ?? 0) + 5, 'Carol does not hear Bob');
  checkEqual(
    [atBob, atCarol].map((end) => end.heard.unusable),
    [0, 0],
    'packets that could not be read',
  );
  await atBob.hangUp();
  checkEqual((await atCarol.ended).cause, 'bye', 'end at the other side');
  checkEqual([await one.stop(), await two.stop()], [0, 0], 'exit codes');
  const transfers = [one, two].map((node) => node.records().filter(({ cause }) => cause === 'transferred').length);
  checkEqual(transfers, [1, 1], 'records of what was transferred');
}

/** Of the nodes one and two as their peers expect them; node three shows one of another name. */
async function mutualCertificates(nodes: SharedNodes): Promise<void> {
  const site = new TestAuthority('the site');
  const names = { one: 'one.nodes.test', two: 'two.nodes.test', three: 'elsewhere.nodes.test' };
  const nodePorts = { one: await freePort(), two: await freePort(), three: await freePort() };
  const [here, there, elsewhere] = [await SharedNodes.ports(), await SharedNodes.ports(), await SharedNodes.ports()];
  nodes.write('site.crt', site.certificate);
  const tables = (own: NodeName): string => {
    const { certificate, key } = site.issue({ dns: [names[own]] });
    nodes.write(`${own}.crt`, certificate);
    nodes.write(`${own}.key`, key);
    const peers = nodeNames.filter((node) => node !== own).map((node) => peerTable(node, nodePorts[node]));
    return `${certifiedListener(own, nodePorts[own])}${peers.join('')}`;
  };
  const one = await nodes.start({ node: 'one', more: tables('one') }, here);
  const two = await nodes.start({ node: 'two', more: tables('two') }, { ...there, media: here.media + 200 });
  const three = await nodes.start({ node: 'three', more: tables('three') }, elsewhere);
  const alice = await nodes.phone('alice', here);
  const bob = await nodes.phone('bob', there);
  const carol = await nodes.phone('carol', elsewhere);
  checkEqual([await alice.register(), await bob.register(), await carol.register()], [200, 200, 200], 'registrations');

  const dialling = alice.call('bob');
  const bobsEnd = await (await bob.nextCall()).answer();
  const alicesEnd = await dialling.answered;
  await Promise.all([alicesEnd.talk(25), bobsEnd.talk(25)]);
  check(alicesEnd.heard.packets > 5 && bobsEnd.heard.packets > 5, 'audio does not cross');
  await bobsEnd.hangUp();
  checkEqual((await alicesEnd.ended).cause, 'bye', 'end at the caller');

  // Who is called shows a name that nobody expects, and so does who calls.
  checkEqual(await statusOf(alice.call('carol')), 480, 'a call to a node of another name');
  checkEqual(await statusOf(carol.call('bob')), 403, 'a call from a node of another name');
  checkEqual(carol.busy, 0, 'what the phone at the node of another name heard of');
  const stranger = new TestAuthority('a stranger').issue({ dns: [names.two] });
  checkEqual(await handshake(nodePorts.one, stranger, site), 'refused', 'a certificate of another authority');
  checkEqual(await handshake(nodePorts.one, site.issue({ dns: [names.two] }), site), 'taken', 'one of the site');
  checkEqual([await one.stop(), await two.stop(), await three.stop()], [0, 0, 0], 'exit codes');
}

const nodeNames = ['one', 'two', 'three'] as const;
type NodeName = (typeof nodeNames)[number];

function certifiedListener(node: NodeName, port: number): string {
  return `
[[listener]]
name = "nodes"
network = "inside"
transport = "tls"
address = "127.0.0.1:${port}"
certificate = "../${node}.crt"
key = "../${node}.key"
client_ca = "../site.crt"
client_certificate = "required"
server_ca = "../site.crt"
[cluster]
listener = "nodes"
`;
}

function peerTable(node: NodeName, port: number): string {
  return `[[cluster.peer]]
node = "${node}"
uri = "sip:127.0.0.1:${port}"
accept_from = ["127.0.0.1"]
certificate_name = "${node}.nodes.test"
`;
}

/** Whether a node takes a connection that shows this certificate: with TLS 1.3 a client hears of a refusal after its own handshake. */
function handshake(port: number, { certificate: cert, key }: TestCertificate, site: TestAuthority): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      cert,
      key,
      ca: site.certificate,
      checkServerIdentity: () => undefined,
    });
    socket.once('error', () => resolve('refused'));
    socket.once('close', () => resolve('refused'));
    socket.once('secureConnect', () => {
      void sleep(1_000).then(() => {
        resolve('taken');
        socket.destroy();
      });
    });
  });
}
