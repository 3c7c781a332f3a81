// The texts of `portcullis help` and of `--help`, made from what each command says of itself.
import type { Command, OptionSpecs } from './command.ts';

export function generalHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: portcullis COMMAND [options]

Commands:
${lines.join('\n')}

"portcullis COMMAND --help" tells more about one, with examples.
Exit codes: 0 done, 1 refused or not valid, 2 wrong usage, 3 portcullis is not running.
`;
}

export function commandHelp({ name, parameters, summary, about = [], options, examples }: Command): string {
  const sections = [
    `Usage: portcullis ${name}${parameters === '' ? '' : ` ${parameters}`}`,
    [`${summary}.`, ...about].join('\n'),
    `Options:\n${optionLines(options)}`,
    `Examples:\n${examples.map((example) => `  portcullis ${example}`).join('\n')}`,
  ];
  return `${sections.join('\n\n')}\n`;
}

function optionLines(options: OptionSpecs): string {
  const all: OptionSpecs = { ...options, help: { type: 'boolean', short: 'h', about: 'this text' } };
  const rows = Object.entries(all).map(([name, { short, value, about }]): readonly [string, string] => {
    const dashes = `${short === undefined ? '    ' : `-${short}, `}--${name}`;
    return [value === undefined ? dashes : `${dashes} ${value}`, about];
  });
  const width = Math.max(...rows.map(([option]) => option.length));
  return rows.map(([option, about]) => `  ${option.padEnd(width)}  ${about}`).join('\n');
}
