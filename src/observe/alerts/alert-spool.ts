// Notices that were not delivered yet, a file each, so that a crash or an outage of the receiver loses none. A notice is on the
// disk before it is sent, and goes when its receiver has taken it: one that is sent twice has the same id.
import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Notice } from './notice.ts';

const notice = z.object({
  v: z.literal(1),
  id: z.string(),
  node: z.string(),
  kind: z.string(),
  severity: z.enum(['info', 'warning', 'critical']),
  subject: z.string(),
  text: z.string(),
  firstAt: z.number(),
  lastAt: z.number(),
  count: z.number(),
});

/** A notice as it was found on the disk; its kind may be of another version. */
export type SpooledNotice = Omit<Notice, 'kind'> & { readonly kind: string };

export interface Spooled {
  readonly file: string;
  readonly notice: SpooledNotice;
}

/** Notices that wait for one receiver; the oldest are given up for new ones, and counted. */
export const mostSpooled = 10_000;

export class AlertSpool {
  readonly #directory: string;
  #serial = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Durable when it resolves. Rejects when the disk does not take it. */
  async add(entry: Notice): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    this.#serial += 1;
    const name = `${String(entry.lastAt).padStart(15, '0')}-${String(this.#serial).padStart(6, '0')}-${entry.id}.json`;
    const draft = join(this.#directory, `.${name}`);
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(JSON.stringify(entry));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, join(this.#directory, name));
  }

  /** The oldest first. Files that cannot be read as notices are left out and told of. */
  async list(onDamaged: (file: string) => void): Promise<readonly Spooled[]> {
    const spooled: Spooled[] = [];
    for (const name of await this.#names()) {
      const file = join(this.#directory, name);
      const parsed = notice.safeParse(parseJson(await readFile(file, 'utf8')));
      if (parsed.success) spooled.push({ file, notice: parsed.data });
      else {
        onDamaged(file);
        await rename(file, `${file}.damaged`);
      }
    }
    return spooled;
  }

  async remove(file: string): Promise<void> {
    await unlink(file);
  }

  /** Gives the oldest up where there are too many; returns how many. */
  async trim(): Promise<number> {
    const names = await this.#names();
    const tooMany = names.slice(0, Math.max(0, names.length - mostSpooled));
    for (const name of tooMany) await unlink(join(this.#directory, name));
    return tooMany.length;
  }

  async #names(): Promise<readonly string[]> {
    try {
      return (await readdir(this.#directory)).filter((name) => /^\d.*\.json$/.test(name)).sort();
    } catch (thrown) {
      if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return [];
      throw thrown;
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
