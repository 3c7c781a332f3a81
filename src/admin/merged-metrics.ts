// The metrics of several processes as one text for Prometheus: what each says has its number as a label, and every metric is described once, as the
// text format wants it. Pure.

/** `texts` in the order of the processes; undefined: that one does not answer. */
export function mergedMetrics(texts: readonly (string | undefined)[]): string {
  const families = new Map<string, Family>();
  for (const [index, text = ''] of texts.entries()) gather(families, text, `process="${index + 1}"`);
  const up = texts.map((text, index) => `${upName}{process="${index + 1}"} ${text === undefined ? 0 : 1}`);
  const described = [`# HELP ${upName} Whether a process of sbc.processes answers.`, `# TYPE ${upName} gauge`, ...up];
  const lines = Array.from(families.values(), ({ head, samples }) => [...head, ...samples]).flat();
  return `${[...lines, ...described].join('\n')}\n`;
}

const upName = 'sbc_process_up';

interface Family {
  /** HELP and TYPE. */
  readonly head: string[];
  readonly samples: string[];
}

/** A family is what stands between two HELP lines. */
function gather(families: Map<string, Family>, text: string, label: string): void {
  let family: Family | undefined;
  let isNew = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('# HELP ')) {
      const [, , name = ''] = line.split(' ', 3);
      const known = families.get(name);
      isNew = known === undefined;
      family = known ?? { head: [], samples: [] };
      families.set(name, family);
    }
    if (line === '' || family === undefined) continue;
    if (!line.startsWith('#')) family.samples.push(labelled(line, label));
    else if (isNew) family.head.push(line);
  }
}

/** `name value` or `name{labels} value`. */
function labelled(sample: string, label: string): string {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(sample)?.[0] ?? '';
  const rest = sample.slice(name.length);
  return rest.startsWith('{') ? `${name}{${label},${rest.slice(1)}` : `${name}{${label}}${rest}`;
}
