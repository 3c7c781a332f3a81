// portcullis completion bash|zsh|fish
import { parseArguments } from './arguments.ts';
import { type Command, exitCodes, UsageError } from './command.ts';

/** What the scripts are made from: every command with its options. The list of commands hands itself in, since it names this one. */
export function completion(all: () => readonly Command[]): Command {
  return {
    name: 'completion',
    parameters: 'bash|zsh|fish',
    summary: 'Prints a script that completes commands and options in a shell',
    about: [
      'bash: source <(portcullis completion bash), in ~/.bashrc; zsh: the same in ~/.zshrc; fish: pipe it to source.',
    ],
    options: {},
    examples: ['completion bash', 'completion fish'],
    async run(args, context) {
      const { positionals } = parseArguments(args, {}, ['SHELL']);
      const [shell = ''] = positionals;
      const script = scripts.get(shell);
      if (script === undefined) throw new UsageError(`expected bash, zsh or fish, got "${shell}"`);
      context.terminal.out(script(all()));
      return exitCodes.ok;
    },
  };
}

const scripts: ReadonlyMap<string, (commands: readonly Command[]) => string> = new Map([
  ['bash', bash],
  ['zsh', (commands) => `autoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`],
  ['fish', fish],
]);

/** Names have one to three words; the words that may follow are those of every name that begins so. */
function bash(commands: readonly Command[]): string {
  const cases = prefixesOf(commands).map(([prefix, words]) => `    '${prefix}') words='${words.join(' ')}' ;;`);
  return `_portcullis() {
  local current=\${COMP_WORDS[COMP_CWORD]} given='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] || given="\${given:+$given }$word"
  done
  case $given in
${cases.join('\n')}
  esac
  if [[ -z $words && $given == *' '* ]]; then
    given=\${given%% *}
    case $given in
${cases.map((line) => `  ${line}`).join('\n')}
    esac
  fi
  if [[ \${COMP_WORDS[COMP_CWORD-1]} == --@(${fileOptions.join('|')}) ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}
complete -o filenames -F _portcullis portcullis
`;
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap(({ name, summary, options }) => {
    const words = name.split(' ');
    const before = words.slice(0, -1);
    const seen = before.length === 0 ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${before.join(' ')}`;
    const flags = Object.entries(options).map(([option, { value, about }]) => {
      const takes = value === undefined ? '' : ' -r';
      return `complete -c portcullis -n '__fish_seen_subcommand_from ${words[0]}' -l ${option}${takes} -d ${quoted(about)}`;
    });
    return [`complete -c portcullis -f -n '${seen}' -a ${words.at(-1)} -d ${quoted(summary)}`, ...flags];
  });
  return `${[...new Set(lines)].join('\n')}\n`;
}

/** After which words which others may come, the longest first so that a command goes before its group. */
function prefixesOf(commands: readonly Command[]): readonly (readonly [string, readonly string[]])[] {
  const following = new Map<string, Set<string>>();
  const add = (prefix: string, word: string): void => {
    following.set(prefix, (following.get(prefix) ?? new Set()).add(word));
  };
  for (const { name, options } of commands) {
    const words = name.split(' ');
    for (const [index, word] of words.entries()) add(words.slice(0, index).join(' '), word);
    for (const option of ['help', ...Object.keys(options)]) add(name, `--${option}`);
  }
  return Array.from(following, ([prefix, words]) => [prefix, [...words].sort()] as const);
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** Their value is a path. */
const fileOptions = ['config', 'socket', 'cdr', 'svg', 'pcap'];
