// Calls of this node on their way into the shared store: sealed under the key of the site, since their SDP holds the keys of their media.
import type { Random } from '../../core/random.ts';
import { type KeyRing, open, seal } from '../../sip/auth/sealing.ts';
import type { KeptDocument } from '../call-store.ts';
import type { SharedStore } from './shared-store.ts';

export interface CallWriter {
  /** Documents as they are: it seals them. Asked again when it has answered. Rejects as SharedStore does. */
  write(put: readonly KeptDocument[], remove: readonly string[]): Promise<void>;
}

export interface SealingWriterParts {
  readonly store: Pick<SharedStore, 'writeCalls'>;
  readonly keys: KeyRing;
  readonly random: Random;
}

export class SealingWriter implements CallWriter {
  readonly #parts: SealingWriterParts;

  constructor(parts: SealingWriterParts) {
    this.#parts = parts;
  }

  write(put: readonly KeptDocument[], remove: readonly string[]): Promise<void> {
    const { store, keys, random } = this.#parts;
    const sealed = put.map(({ id, document }) => ({
      id,
      document: seal(Buffer.from(document), ownerOf(id), keys, random),
    }));
    return store.writeCalls(sealed, remove);
  }
}

/** Undefined where no key opens it. */
export function openCall({ id, document }: KeptDocument, keys: KeyRing): KeptDocument | undefined {
  const opened = open(document, ownerOf(id), keys);
  return opened.ok ? { id, document: Buffer.from(opened.value).toString() } : undefined;
}

function ownerOf(id: string): string {
  return `call ${id}`;
}
