// Counts what the parser and the framer do with inputs that grow: how often V8 ran each block of `src/sip/message`, at a size and at
// twice that size. Prints the quotients as JSON. A process of its own, since V8 counts blocks only in what it compiles afterwards.
import { Session } from 'node:inspector/promises';

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
const { StreamFramer } = await import('../../src/sip/message/framer.ts');
const { contacts, routes, vias } = await import('../../src/sip/message/header-fields.ts');
const { parseMessage } = await import('../../src/sip/message/parser.ts');
const { raw } = await import('../unit/sip/message/raw.ts');

const header = (line: string): string => raw({ add: [line] });

/** Each grows with `size`, up to what the limits allow. */
const inputs: Readonly<Record<string, (size: number) => string>> = {
  'many headers': (size) => raw({ add: Array.from({ length: size / 16 }, (_, index) => `X-${index}: a`) }),
  'many Vias of one header': (size) =>
    header(`Via: ${'SIP/2.0/UDP a;branch=z9hG4bKb,'.repeat(size / 32)}SIP/2.0/UDP a`),
  'many Contacts': (size) => header(`Contact: ${'<sip:a@b>;q=1,'.repeat(size / 16)}<sip:a@b>`),
  'many routes': (size) => header(`Route: ${'<sip:a;lr>,'.repeat(size / 16)}<sip:a;lr>`),
  commas: (size) => header(`Contact: ${','.repeat(size)}`),
  'open quotes': (size) => header(`Contact: ${'"'.repeat(size)}`),
  'escaped quotes': (size) => header(`Contact: "${'\\"'.repeat(size / 2)}`),
  'brackets that open': (size) => header(`Contact: ${'<'.repeat(size)}`),
  'brackets that close': (size) => header(`Contact: ${'>'.repeat(size)}`),
  'parameters of one name': (size) => header(`Contact: <sip:a@b>${';a'.repeat(size / 2)}`),
  'parameters of many names': (size) =>
    header(`Contact: <sip:a@b>${Array.from({ length: size / 8 }, (_, index) => `;a${index}`).join('')}`),
  'spaces in a value': (size) => header(`Subject: a${' '.repeat(size)}b`),
  folding: (size) => header(`Subject: a${'\r\n '.repeat(size / 3)}b`),
  escapes: (size) => raw({ startLine: `INVITE sip:${'%41'.repeat(Math.min(size, 1_500) / 3)}@b SIP/2.0` }),
  colons: (size) => header(`Contact: <sip:${':'.repeat(size)}@b>`),
  'at signs': (size) => header(`Contact: <sip:${'a@'.repeat(size / 2)}b>`),
  'empty lines': (size) => '\r\n'.repeat(size / 2) + raw(),
  'a body': (size) => raw({ body: 'x'.repeat(size) }),
  'line ends': (size) => '\r'.repeat(size),
  nothing: (size) => 'x'.repeat(size),
};

/** Sums of all counts of the blocks of src/sip/message while `work` ran. */
async function stepsOf(work: () => void): Promise<number> {
  await session.post('Profiler.takePreciseCoverage');
  work();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const ranges = result
    .filter(({ url }) => url.includes('src/sip/message/'))
    .flatMap(({ functions }) => functions.flatMap((one) => one.ranges));
  return ranges.reduce((sum, { count }) => sum + count, 0);
}

function read(text: string): void {
  const bytes = Buffer.from(text);
  const parsed = parseMessage(bytes);
  if (parsed.ok) for (const list of [contacts, routes, vias]) list(parsed.value.headers);
  const framer = new StreamFramer();
  for (let at = 0; at < bytes.length; at += 100) for (const _ of framer.push(bytes.subarray(at, at + 100)));
}

/** What must be found: an input is read as often as it is long. */
function quadratic(text: string): void {
  for (let index = 0; index < text.length / 16; index += 1) parseMessage(Buffer.from(text));
}

const small = 1_024;

async function quotient(input: (size: number) => string, work: (text: string) => void): Promise<number> {
  // Once before, since what runs for the first time only is counted too.
  work(input(small));
  const once = await stepsOf(() => work(input(small)));
  return (await stepsOf(() => work(input(2 * small)))) / once;
}

const quotients: Record<string, number> = {};
for (const [name, input] of Object.entries(inputs)) quotients[name] = await quotient(input, read);
const control = await quotient((size) => `${'\r\n'.repeat(size / 2)}x`, quadratic);
process.stdout.write(JSON.stringify({ quotients, control }));
