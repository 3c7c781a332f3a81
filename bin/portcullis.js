#!/usr/bin/env node
// The `portcullis` command. Old Nodes must be able to parse this file: it tells them what is needed, or, in a checkout, hands
// over to the pinned Node of tools/node.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [major = 0] = process.versions.node.split('.').map(Number);
const program = new URL('../dist/main.js', import.meta.url);
const pinned = fileURLToPath(
  new URL(`../tools/node/node_modules/node-${process.platform}-${process.arch}/bin/node`, import.meta.url),
);

if (!existsSync(program)) {
  fail('dist/main.js is missing: run "npm run build" first');
} else if (major >= 24) {
  await import(program.href);
} else if (existsSync(pinned)) {
  handOver();
} else {
  fail(`Node.js 24 or newer is needed, this is ${process.version}`);
}

function handOver() {
  const child = spawn(pinned, [fileURLToPath(program), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends its signals to the child as well; what is sent to this process alone is passed on.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => {});
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}

function fail(message) {
  process.stderr.write(`portcullis: ${message}\n`);
  process.exitCode = 1;
}
