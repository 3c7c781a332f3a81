// Reads a Dockerfile into its stages, as far as ours goes: what it does not know is an error, so that nothing is left out.

export interface Instruction {
  /** Of its first line, from 1. */
  readonly line: number;
  readonly name: string;
  /** `--from=build` and the like. */
  readonly flags: ReadonlyMap<string, string>;
  /** What is left of it, lines joined. */
  readonly text: string;
}

export interface Stage {
  readonly base: string;
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

const known = new Set([
  'FROM',
  'RUN',
  'COPY',
  'ENV',
  'WORKDIR',
  'USER',
  'VOLUME',
  'EXPOSE',
  'HEALTHCHECK',
  'STOPSIGNAL',
  'ENTRYPOINT',
  'CMD',
]);

export function parseDockerfile(source: string): readonly Stage[] {
  const stages: { base: string; name: string | undefined; instructions: Instruction[] }[] = [];
  for (const instruction of instructionsOf(source)) {
    const [stage] = stages.slice(-1);
    if (instruction.name === 'FROM') {
      const [base = '', as, name] = instruction.text.split(/\s+/);
      stages.push({ base, name: as?.toUpperCase() === 'AS' ? name : undefined, instructions: [] });
    } else if (stage === undefined) {
      throw new Error(`Dockerfile:${instruction.line}: ${instruction.name} before the first FROM`);
    } else {
      stage.instructions.push(instruction);
    }
  }
  if (stages.length === 0) throw new Error('the Dockerfile has no stage');
  return stages;
}

/** `["a", "b"]`, or undefined where it is the form for a shell. */
export function execForm(text: string): readonly string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  const words: unknown = JSON.parse(text);
  if (!Array.isArray(words)) return undefined;
  return words.map(String);
}

function instructionsOf(source: string): readonly Instruction[] {
  const found: Instruction[] = [];
  const lines = source.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    if (isNothing(lines[at])) continue;
    const line = at + 1;
    let text = lines[at] ?? '';
    while (text.endsWith('\\')) {
      at += 1;
      // Comments between continued lines are left out, as docker does.
      if (!isNothing(lines[at])) text = `${text.slice(0, -1)}${lines[at] ?? ''}`;
      else if (at >= lines.length) throw new Error(`Dockerfile:${line}: goes on behind the end of the file`);
    }
    found.push(instructionOf(line, text.trim()));
  }
  return found;
}

function instructionOf(line: number, text: string): Instruction {
  const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/s.exec(text) ?? [];
  if (!known.has(name)) throw new Error(`Dockerfile:${line}: "${name || text}" is not known here`);
  const flags = new Map<string, string>();
  let left = rest;
  for (let flag = flagOf(left); flag !== undefined; flag = flagOf(left)) {
    flags.set(flag.name, flag.value);
    left = left.slice(flag.length);
  }
  return { line, name, flags, text: left.trim() };
}

function flagOf(text: string): { readonly name: string; readonly value: string; readonly length: number } | undefined {
  const [all = '', name, value] = /^--([a-z-]+)=(\S+)\s*/.exec(text) ?? [];
  return name === undefined || value === undefined ? undefined : { name, value, length: all.length };
}

function isNothing(line: string | undefined): boolean {
  return line === undefined || /^\s*(#.*)?$/.test(line);
}
