// Checks the layer table of layer-rules.ts on a tree (the checkout, or one that is given: `layers.ts DIR`). It also counts:
// a cruise that saw fewer modules than src has files proves nothing and fails (it sees none at all when its TypeScript does not fit).
import { globSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { cruise } from 'dependency-cruiser';
import { root } from '../process.ts';
import { cruiseOptions, knownRooms, layerRules } from './layer-rules.ts';

const tree = resolve(process.argv[2] ?? root);
const folders = ['src', 'test', 'bench', 'demo'].filter(
  (folder) => globSync(`${folder}/**/*.ts`, { cwd: tree }).length > 0,
);
const { output } = await cruise(folders, { ...cruiseOptions, baseDir: tree });
if (typeof output === 'string') throw new Error('the cruise gave text instead of a result');

const reasons = new Map(layerRules.map(({ name, comment }) => [name, comment]));
const broken = output.summary.violations.map(
  ({ rule, from, to }) => `${rule.name}: ${from} → ${to} (${reasons.get(rule.name)})`,
);
const seen = output.modules.filter(({ source }) => source.startsWith('src/') && source.endsWith('.ts')).length;
const onDisk = globSync('src/**/*.ts', { cwd: tree }).length;

const unknownRooms = globSync('src/*/', { cwd: tree })
  .map((folder) => basename(folder))
  .filter((room) => !knownRooms.includes(room))
  .map((room) => `unknown-room: src/${room} has no rule yet (scripts/check/layer-rules.ts)`);
const violations = [...broken, ...unknownRooms];
for (const violation of violations) console.log(violation);
console.log(`${seen} of ${onDisk} modules of src, ${layerRules.length} rules, ${violations.length} violations`);
if (seen < onDisk || onDisk === 0)
  console.log(`the cruise saw ${seen} modules, but src has ${onDisk}: nothing is proven`);
process.exitCode = violations.length === 0 && seen >= onDisk && onDisk > 0 ? 0 : 1;
