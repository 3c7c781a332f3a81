// Mutated messages over UDP, TCP and TLS into a running SBC with a live call:
//   npm run fuzz -- --live [--messages 1000000] [--transport udp] [--seed N]
// Exits 1 when it does not answer any more, made a mistake, grew by 1 MB or more in 100,000 messages, or the call fell silent.
import { parseArgs } from 'node:util';
import { fuzzLive } from '../support/live-fuzz.ts';
import type { FuzzedTransport } from '../support/live-fuzz-client.ts';

const { values } = parseArgs({
  options: {
    live: { type: 'boolean' },
    messages: { type: 'string', default: '100000' },
    transport: { type: 'string' },
    seed: { type: 'string' },
  },
});
const all: readonly FuzzedTransport[] = ['udp', 'tcp', 'tls'];
const chosen = all.filter((name) => values.transport === undefined || name === values.transport);
const seed = Number(values.seed ?? Date.now() % 2 ** 32);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (chosen.length === 0) throw new Error(`--transport is one of ${all.join(', ')}`);
say(`seed ${seed}`);
for (const transport of chosen) {
  const { sent, growthMb, heard } = await fuzzLive({ transport, messages: Number(values.messages), seed, say });
  const grown = growthMb === undefined ? 'too few to tell growth' : `${growthMb.toFixed(2)} MB more in 100,000`;
  say(`${transport}: ${sent} mutants, ${grown}, the call heard ${heard} packets`);
  if (growthMb !== undefined && growthMb >= 1) process.exitCode = 1;
}
process.exit();
