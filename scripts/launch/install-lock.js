// Two commands that start on a fresh checkout at the same time must not both install into it: the second waits.
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { root } from './place.js';

const lock = join(root, '.cache', 'install.lock');

export async function withInstallLock(work) {
  try {
    mkdirSync(join(root, '.cache'), { recursive: true });
    while (!taken()) await wait(200);
  } catch (error) {
    throw new Error(`this checkout is to be set up, and cannot be written to: ${error.message}`, { cause: error });
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

// The link appears with the owner's pid already in it; a lock whose owner is gone is removed.
function taken() {
  const own = `${lock}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, lock);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!isAlive(owner())) rmSync(lock, { force: true });
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

function owner() {
  try {
    return Number(readFileSync(lock, 'utf8'));
  } catch {
    return 0;
  }
}

function isAlive(pid) {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
