// Carries out a Dockerfile without a container engine: each stage is a tree of its own, and every step, RUN first of all, is read from
// the file itself, so that what is tried here cannot drift from what docker builds.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, existsSync, globSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { execForm, type Instruction, parseDockerfile, type Stage } from './dockerfile.ts';
import { spawnInRoot } from './enter-root.ts';

/** What a Dockerfile says of the image that it makes. */
export interface Image {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly user: string;
  readonly volumes: readonly string[];
  readonly ports: readonly string[];
  readonly healthCheck: readonly string[] | undefined;
  readonly stopSignal: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

export interface BuildOptions {
  /** Holds the Dockerfile and .dockerignore. */
  readonly context: string;
  /** An empty folder, for the trees of the stages. */
  readonly folder: string;
  /** Fills an empty folder with what the image of this name holds. */
  readonly base: (name: string, folder: string) => Promise<void>;
  readonly progress: (line: string) => void;
}

/** Throws when a step fails, or is none that it knows. */
export async function buildImage(options: BuildOptions): Promise<Image> {
  const stages = parseDockerfile(readFileSync(join(options.context, 'Dockerfile'), 'utf8'));
  const built = new Map<string, Image>();
  let last: Image | undefined;
  for (const [index, stage] of stages.entries()) {
    const name = stage.name ?? String(index);
    last = await buildStage(stage, join(options.folder, name), built, options);
    built.set(name, last);
  }
  if (last === undefined) throw new Error('the Dockerfile has no stage');
  return last;
}

async function buildStage(
  stage: Stage,
  root: string,
  built: ReadonlyMap<string, Image>,
  options: BuildOptions,
): Promise<Image> {
  mkdirSync(root);
  await options.base(stage.base, root);
  let image: Image = {
    root,
    env: {},
    workdir: '/',
    user: 'root',
    volumes: [],
    ports: [],
    healthCheck: undefined,
    stopSignal: 'SIGTERM',
    entrypoint: [],
    command: [],
  };
  for (const instruction of stage.instructions) image = await carryOut(instruction, image, built, options);
  return image;
}

async function carryOut(
  instruction: Instruction,
  image: Image,
  built: ReadonlyMap<string, Image>,
  options: BuildOptions,
): Promise<Image> {
  const { name, text, line, flags } = instruction;
  switch (name) {
    case 'RUN':
      options.progress(`Dockerfile:${line}: RUN ${text}`);
      await run(image, execForm(text) ?? ['/bin/sh', '-c', text], line);
      return image;
    case 'COPY': {
      const from = flags.get('from');
      const source = from === undefined ? options.context : built.get(from)?.root;
      if (source === undefined) throw new Error(`Dockerfile:${line}: there is no stage ${from}`);
      copy(text.split(/\s+/), source, image, from === undefined ? ignoredIn(options.context) : [], line);
      return image;
    }
    case 'ENV':
      return { ...image, env: { ...image.env, ...assignments(text) } };
    case 'WORKDIR':
      mkdirSync(join(image.root, text), { recursive: true });
      return { ...image, workdir: text };
    case 'USER':
      return { ...image, user: text };
    case 'VOLUME':
      return { ...image, volumes: [...image.volumes, ...(execForm(text) ?? text.split(/\s+/))] };
    case 'EXPOSE':
      return { ...image, ports: [...image.ports, ...text.split(/\s+/)] };
    case 'HEALTHCHECK':
      return { ...image, healthCheck: execForm(text.replace(/^(--\S+\s+)*CMD\s+/, '')) };
    case 'STOPSIGNAL':
      return { ...image, stopSignal: text };
    case 'ENTRYPOINT':
      return { ...image, entrypoint: execForm(text) ?? ['/bin/sh', '-c', text] };
    case 'CMD':
      return { ...image, command: execForm(text) ?? ['/bin/sh', '-c', text] };
    default:
      throw new Error(`Dockerfile:${line}: ${name} cannot be carried out here`);
  }
}

/** A build step may fetch packages: it gets what this process reaches its registry by. */
async function run({ root, workdir, user, env }: Image, argv: readonly string[], line: number): Promise<void> {
  for (const file of ['etc/resolv.conf', 'etc/hosts']) {
    if (existsSync(`/${file}`)) copyFileSync(`/${file}`, join(root, file));
  }
  const trust = process.env['NODE_EXTRA_CA_CERTS'];
  const volumes = trust === undefined ? {} : { '/run': { from: dirname(trust), isReadOnly: true } };
  const child = spawnInRoot(root, argv, {
    workdir,
    user,
    env: {
      HOME: '/root',
      ...wayOut(),
      ...(trust === undefined ? {} : { NODE_EXTRA_CA_CERTS: `/run/${basename(trust)}` }),
      ...env,
    },
    volumes,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  const ended: readonly unknown[] = await once(child, 'close');
  const [code] = ended;
  if (code !== 0)
    throw new Error(`Dockerfile:${line}: ${argv.join(' ')} ended with ${String(code)}: ${said.slice(-2_000)}`);
}

/** How this process reaches its registry. */
export function wayOut(): Record<string, string> {
  const names = /^(https?_proxy|no_proxy|npm_config_(registry|https?_proxy|proxy|noproxy))$/i;
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (names.test(name) && value ? [[name, value]] : [])),
  );
}

function copy(
  words: readonly string[],
  source: string,
  { root, workdir }: Image,
  ignored: readonly string[],
  line: number,
): void {
  const target = words.at(-1) ?? '';
  const to = join(root, target.startsWith('/') ? target : join(workdir, target));
  for (const pattern of words.slice(0, -1)) {
    const matches = globSync(pattern.replace(/^\.?\//, ''), { cwd: source });
    if (matches.length === 0) throw new Error(`Dockerfile:${line}: ${pattern} is not there`);
    for (const match of matches) {
      const isOut = (path: string): boolean => ignored.some((one) => path === one || path.startsWith(`${one}/`));
      if (isOut(match)) throw new Error(`Dockerfile:${line}: ${match} is left out by .dockerignore`);
      const from = join(source, match);
      // The content of a folder is copied, a file by its name.
      const isFolder = lstatSync(from).isDirectory();
      cpSync(from, isFolder || !target.endsWith('/') ? to : join(to, basename(match)), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => !isOut(relative(source, path)),
      });
    }
  }
}

/** Ours has names of the top folder only. */
function ignoredIn(context: string): readonly string[] {
  const file = join(context, '.dockerignore');
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
    : [];
}

function assignments(text: string): Record<string, string> {
  return Object.fromEntries(
    Array.from(text.matchAll(/([A-Za-z_]\w*)=("[^"]*"|\S+)/g), ([, name = '', value = '']) => [
      name,
      value.replace(/^"(.*)"$/, '$1'),
    ]),
  );
}

/** Copies a tree with its owners and modes. */
export async function copyTree(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', '--reflink=auto', `${from}/.`, to]);
}
