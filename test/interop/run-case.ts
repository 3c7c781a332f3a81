// The first process of a lab: runs the one case that it is told, prints what it noted, and exits 0 or 1.
import { messageOf } from '../../src/core/errors.ts';
import { runCase } from './case.ts';
import { loadCases } from './load-cases.ts';
import { ensurePeers } from './peers/install.ts';

const one = (await loadCases()).find(({ name }) => name === process.argv[2]);
const peers = await ensurePeers();
let code = 1;
if (one === undefined) process.stderr.write(`no case ${process.argv[2]}\n`);
else if (!peers.available) process.stderr.write(`${peers.reason}\n`);
else {
  try {
    await runCase(one, peers, (line) => process.stdout.write(`${line}\n`));
    code = 0;
  } catch (thrown) {
    process.stderr.write(`${messageOf(thrown)}\n`);
  }
}
process.exit(code); // what still runs ends with this process: it is the first of its namespace
