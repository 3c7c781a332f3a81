// The files of the page, read once at the start: what is not among them is not served, whatever a path says.
import { readFileSync } from 'node:fs';

export interface PageFile {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** Beside this file, and beside the bundle (tsup.config.ts copies it there). */
const folder = new URL('./page/', import.meta.url);

const names: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'style.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
  'app.js': 'text/javascript; charset=utf-8',
  'api.js': 'text/javascript; charset=utf-8',
  'call.js': 'text/javascript; charset=utf-8',
  'calls.js': 'text/javascript; charset=utf-8',
  'chart.js': 'text/javascript; charset=utf-8',
  'dom.js': 'text/javascript; charset=utf-8',
  'figures.js': 'text/javascript; charset=utf-8',
  'format.js': 'text/javascript; charset=utf-8',
  'ladder.js': 'text/javascript; charset=utf-8',
  'looks.js': 'text/javascript; charset=utf-8',
  'overview.js': 'text/javascript; charset=utf-8',
  'peers.js': 'text/javascript; charset=utf-8',
  'security.js': 'text/javascript; charset=utf-8',
  'shape.js': 'text/javascript; charset=utf-8',
  'sign-in.js': 'text/javascript; charset=utf-8',
};

/** By path. Throws when one is missing: the package is not whole then. */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  const files = Object.entries(names).map(([name, contentType]): readonly [string, PageFile] => [
    `/${name}`,
    { contentType, bytes: readFileSync(new URL(name, folder)) },
  ]);
  const byPath = new Map(files);
  const index = byPath.get('/index.html');
  if (index !== undefined) byPath.set('/', index);
  return byPath;
}
