// Binds a Unix socket that only its owner may open, in the place of one that a dead process left behind. A socket that a live
// process serves, and a file that is no socket, are left alone.
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { messageOf, SbcError } from '../core/errors.ts';

/** Bytes of a path that every system takes (sockaddr_un holds 108 on Linux, 104 on macOS, an ending zero included). */
export const longestSocketPath = 103;

/** How long a process at the other end has to accept, in milliseconds; one that does not is alive, and stuck. */
const probeTimeout = 1_000;

/** Throws SbcError `admin-socket-in-use` or `admin-socket-unusable`. */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  const length = Buffer.byteLength(path);
  if (length > longestSocketPath) {
    throw unusable(
      path,
      `its path of ${length} bytes exceeds ${longestSocketPath}: set [admin].socket to a shorter one`,
    );
  }
  await clear(path);
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: Error): void => reject(unusable(path, messageOf(cause), cause));
    server.once('error', fail);
    // The socket file appears within this call; nobody else may connect before its mode is set.
    const before = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off('error', fail);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
  chmodSync(path, 0o600);
}

async function clear(path: string): Promise<void> {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return;
  if (!status.isSocket()) throw unusable(path, 'there is a file in its place that is no socket');
  if (await isServed(path)) {
    throw new SbcError('admin-socket-in-use', `${path}: another portcullis is running with this configuration`, {
      path,
    });
  }
  unlinkSync(path);
}

/** Only a refused connection proves that nobody is there. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const answer = (served: boolean): void => {
      probe.destroy();
      resolve(served);
    };
    probe.setTimeout(probeTimeout, () => answer(true));
    probe.once('connect', () => answer(true));
    probe.once('error', (error: NodeJS.ErrnoException) => answer(error.code !== 'ECONNREFUSED'));
  });
}

function unusable(path: string, reason: string, cause?: unknown): SbcError {
  return new SbcError('admin-socket-unusable', `admin socket ${path}: ${reason}`, { path }, cause);
}
