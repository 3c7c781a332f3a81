// Starts the program that a launcher was called for and ends as it ends: signals go down, the exit code comes up.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { root } from './place.js';
import { serviceFlags } from './service-flags.js';
import { signalGate } from './signal-gate.js';

const forwarded = ['SIGTERM', 'SIGINT', 'SIGHUP'];
/** Runs `node args` in our process group; resolves to its exit code. */
export function runProgram(node, args, { toStderr = false, node: onPath = node } = {}) {
  const stdio = ['inherit', toStderr ? process.stderr : 'inherit', 'inherit'];
  // Windows starts npm.cmd through a shell only.
  return ended(spawn(node, args, { cwd: root, stdio, env: environment(onPath), shell: node.endsWith('.cmd') }));
}

/**
 * Runs a long-lived program in a process group of its own, so that one Ctrl-C reaches it once (a second one means "at once").
 * It ends with SIGTERM when this process is killed, because it sees the channel close (serve.js).
 */
export function runService(node, program, args) {
  const serve = join(root, 'scripts', 'launch', 'serve.js');
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
  const child = spawn(node, [...serviceFlags, serve, resolve(root, program), ...args], {
    cwd: root,
    stdio,
    env: environment(node),
    detached: true,
  });
  return ended(child);
}

function ended(child) {
  const isNew = signalGate();
  const handlers = forwarded.map((signal) => {
    const forward = () => {
      if (isNew(signal, performance.now())) child.kill(signal);
    };
    process.on(signal, forward);
    return [signal, forward];
  });
  return new Promise((end, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => end(code ?? 128 + constants.signals[signal]));
  }).finally(() => {
    for (const [signal, forward] of handlers) process.removeListener(signal, forward);
  });
}

function environment(node) {
  const separator = process.platform === 'win32' ? ';' : ':';
  return { ...process.env, PATH: `${dirname(node)}${separator}${process.env['PATH'] ?? ''}` };
}
