// npm run pack [-- --to FOLDER]: the npm package of the built program, portcullis-VERSION.tgz, in the folder where npm was called.
// `npm pack` alone has the same program, without its bill of materials and the versions of its packages.
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { npm } from './npm.ts';
import { stagePackage } from './package/stage.ts';
import { root } from './process.ts';

const { values } = parseArgs({ options: { to: { type: 'string', default: '.' } } });
const to = resolve(process.env['INIT_CWD'] ?? root, values.to);
mkdirSync(to, { recursive: true });
const stage = mkdtempSync(join(tmpdir(), 'portcullis-pack-'));
try {
  const tarball = await stagePackage(stage);
  const { code, stderr } = await npm(['pack', '--pack-destination', to], { cwd: stage });
  if (code !== 0) throw new Error(`npm pack ended with code ${code}: ${stderr.trim()}`);
  const file = join(to, tarball);
  console.log(`${file}: ${Math.round(statSync(file).size / 1_000)} kB`);
} finally {
  rmSync(stage, { recursive: true, force: true });
}
