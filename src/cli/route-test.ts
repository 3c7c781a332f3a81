// portcullis route-test
import type { RouteTestAnswer } from '../admin/admin-client-answers.ts';
import { answered } from '../admin/admin-client-exchange.ts';
import { adminClient, adminOptions } from './admin-access.ts';
import { parseArguments } from './arguments.ts';
import { type Command, type CommandContext, exitCodes, UsageError } from './command.ts';
import { loadConfigFile } from './config-file.ts';
import { momentOf, momentOption } from './moment.ts';
import { jsonOption, printJson } from './output.ts';
import { printable } from './printable.ts';

const options = {
  ...adminOptions,
  from: { type: 'string', value: 'WHO', about: 'a user, pbx:NAME or trunk:NAME' },
  to: { type: 'string', value: 'NUMBER', about: 'what is dialled: a number, a name or a URI' },
  caller: { type: 'string', value: 'NUMBER', about: 'what From says, where a PBX or trunk calls' },
  at: momentOption,
  listener: { type: 'string', value: 'NAME', about: 'where it comes in, when not where its caller usually does' },
  offline: { type: 'boolean', about: 'ask the configuration file, also when the SBC runs' },
  json: jsonOption,
} as const;

export const routeTest: Command = {
  name: 'route-test',
  parameters: '--from WHO --to NUMBER [options]',
  summary: 'Says which route a call would take, why others do not, and what would be sent where',
  about: [
    'Nothing is sent and nothing is counted. The running SBC is asked, which knows who is registered; where none runs, or with',
    '--offline, the configuration alone: users of the database and registrations are then not known.',
  ],
  options,
  examples: [
    'route-test --from alice --to +441632960123',
    'route-test --from trunk:carrier --to 600 --at 2026-12-24T23:00 --json',
  ],
  async run(args, context) {
    const { values } = parseArguments(args, options);
    const { from, to, caller, listener, at } = values;
    if (from === undefined || to === undefined) throw new UsageError('route-test needs --from and --to');
    const query = { from, to, caller, listener, at: at === undefined ? undefined : momentOf(at) };
    const answer = values.offline ? undefined : await adminClient(values, context).routeTest(query);
    const isOffline = answer === undefined || (!answer.ok && answer.error.kind === 'not-running');
    const view = isOffline
      ? await context.routeTest({ config: loadConfigFile(values.config, context).config, query })
      : answered(answer);
    if (values.json) printJson({ ...view, offline: isOffline }, context);
    else print(view, isOffline, context);
    return view.refusal === undefined ? exitCodes.ok : exitCodes.refused;
  },
};

function print({ trace, refusal, stages }: RouteTestAnswer, isOffline: boolean, { terminal }: CommandContext): void {
  if (isOffline) terminal.out('by the configuration alone; registrations are not known\n');
  for (const { rule, answer } of trace) terminal.out(`${printable(rule)}: ${printable(answer)}\n`);
  if (refusal !== undefined) {
    terminal.out(`refused: ${refusal.status} ${refusal.text} (${refusal.code}): ${printable(refusal.detail)}\n`);
  }
  for (const [order, stage] of stages.entries()) {
    for (const { target, requestUri, from, to, assertedIdentity, nextHop } of stage) {
      terminal.out(`\n${order === 0 ? 'first' : 'then'} ${target}, over ${nextHop}\n`);
      const lines = [`INVITE ${requestUri}`, `From: ${from}`, `To: ${to}`];
      if (assertedIdentity !== undefined) lines.push(`P-Asserted-Identity: ${assertedIdentity}`);
      for (const line of lines) terminal.out(`  ${printable(line)}\n`);
    }
  }
}
