// portcullis explain CALL
import { join } from 'node:path';
import * as z from 'zod';
import { mediaLine } from '../admin/admin-client-answers.ts';
import { decidingAnswer } from '../cdr/decision.ts';
import { SbcError } from '../core/errors.ts';
import { parseArguments } from './arguments.ts';
import { findRecord } from './call-records.ts';
import { type Command, type CommandContext, exitCodes } from './command.ts';
import { loadConfigFile, stateDirectories } from './config-file.ts';
import { configOption } from './config-option.ts';
import { mediaRow, mediaTitles } from './media-table.ts';
import { jsonOption, printJson } from './output.ts';
import { printable } from './printable.ts';
import { formatTable } from './table.ts';

const options = { config: configOption, json: jsonOption } as const;

/** What is read of a record; readers ignore what they do not know (docs/cdr.md). */
const record = z.object({
  call: z.string(),
  caller: z.string(),
  callee: z.string().nullable(),
  dialled: z.string(),
  canonical: z.string().nullable(),
  started: z.string(),
  duration: z.number(),
  cause: z.string(),
  status: z.number(),
  refusal: z.object({ code: z.string(), detail: z.string() }).nullable(),
  rules: z.array(z.object({ rule: z.string(), input: z.string().optional(), answer: z.string() })),
  attempts: z.array(z.object({ target: z.string(), status: z.number(), outcome: z.string() })),
  media: z.array(z.unknown()).default([]),
});
type Explained = z.output<typeof record>;

export const explain: Command = {
  name: 'explain',
  parameters: 'CALL [options]',
  summary: 'Tells of a past call each rule that was asked and its answer, which one decided, and how its media was',
  about: [
    'CALL is the name that the log and the call records use. It is looked for in their database, then in their files.',
  ],
  options,
  examples: ['explain 3f2a8c51d0e94b77', 'explain 3f2a8c51d0e94b77 --json'],
  async run(args, context) {
    const { values, positionals } = parseArguments(args, options, ['CALL']);
    const [call = ''] = positionals;
    const directories = stateDirectories(loadConfigFile(values.config, context)).map((state) => join(state, 'cdr'));
    const found = record.safeParse(await findRecord(directories, call));
    if (!found.success) {
      throw new SbcError('call-unknown', `no record of a call ${call} in ${directories.join(', ')}`, { call });
    }
    const deciding = decidingAnswer(found.data.refusal, found.data.rules);
    if (values.json) printJson({ ...found.data, deciding: deciding ?? null }, context);
    else print(found.data, deciding, context);
    return exitCodes.ok;
  },
};

function print(explained: Explained, deciding: number | undefined, { terminal }: CommandContext): void {
  const {
    call,
    caller,
    callee,
    dialled,
    canonical,
    started,
    duration,
    cause,
    status,
    refusal,
    rules,
    attempts,
    media,
  } = explained;
  const read = canonical === null || canonical === dialled ? '' : `, read as ${canonical}`;
  terminal.out(
    `${printable(call)}: ${printable(caller)} dialled ${printable(`${dialled}${read}`)} at ${printable(started)}\n\n`,
  );
  const rows = rules.map(({ rule, input = '', answer }, index) => [index === deciding ? '>' : '', rule, input, answer]);
  terminal.out(formatTable(['', 'RULE', 'INPUT', 'ANSWER'], rows));
  for (const { target, status: own, outcome } of attempts)
    terminal.out(`tried ${printable(target)}: ${own}, ${printable(outcome)}\n`);
  const why = refusal === null ? '' : ` (${printable(refusal.code)}: ${printable(refusal.detail)})`;
  const talked = duration > 0 ? `, ${duration} s with ${printable(callee ?? '-')}` : '';
  terminal.out(`\n${printable(cause)}${why}, status ${status}${talked}\n`);
  const sides = media.flatMap((entry) => mediaLine.safeParse(entry).data ?? []);
  if (sides.length > 0) terminal.out(`\n${formatTable(mediaTitles, sides.map(mediaRow))}`);
}
