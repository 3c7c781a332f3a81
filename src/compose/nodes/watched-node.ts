// Which files and figures of this process are looked after.
import { dirname, resolve } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { type ReloadingWatch, watchFiles } from '../site/file-watch.ts';
import { NodeWatch, type NodeWatchParts } from './node-watch.ts';

export interface WatchedNode
  extends Pick<NodeWatchParts, 'stateDirectory' | 'workersLost' | 'scheduler' | 'logger' | 'onAlert' | 'gather'> {
  /** As it is applied now. */
  readonly config: () => Config;
  readonly configFile: string;
}

function watchNode({ config, configFile, ...parts }: WatchedNode): NodeWatch {
  const absolute = (path: string): string => resolve(dirname(configFile), path);
  /** Of whoever speaks TLS, those for other names too. */
  const servers = (): readonly { readonly certificate?: string | undefined; readonly key?: string | undefined }[] => {
    const { listener, admin } = config();
    const listeners = listener.flatMap((one) => [one, ...one.certificates]);
    return admin.web === undefined ? listeners : [...listeners, admin.web];
  };
  return new NodeWatch({
    ...parts,
    certificates: () =>
      servers().flatMap(({ certificate }) => (certificate === undefined ? [] : [absolute(certificate)])),
    files: () => [
      { path: configFile, isSecret: config().user.some(({ password }) => password !== undefined) },
      ...servers().flatMap(({ key }) => (key === undefined ? [] : [{ path: absolute(key), isSecret: true }])),
    ],
    root: '/',
  });
}

/** The node, and the files of its configuration where they are to be applied as they change. */
export function watchAll({ reload, ...watched }: WatchedNode & Pick<ReloadingWatch, 'reload'>): { close(): void } {
  const node = watchNode(watched);
  const files = watched.config().reload.watch ? watchFiles({ ...watched, reload }) : undefined;
  return {
    close: () => {
      files?.close();
      node.close();
    },
  };
}
