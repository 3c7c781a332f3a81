// portcullis audit log, audit verify
import { parseDuration } from '../config/units.ts';
import { openState } from '../store/sqlite/state.ts';
import { parseArguments } from './arguments.ts';
import { type Command, type CommandContext, exitCodes, UsageError } from './command.ts';
import { loadConfigFile, stateDirectory } from './config-file.ts';
import { configOption } from './config-option.ts';
import { jsonOption, printJson } from './output.ts';
import { formatTable } from './table.ts';

const options = { config: configOption, json: jsonOption } as const;
const logOptions = {
  ...options,
  since: { type: 'string', value: 'TIME', about: 'how far back, such as 24h or 30d (7d when not given)' },
} as const;
const verifyOptions = {
  ...options,
  head: { type: 'string', value: 'HASH', about: 'a head that was noted before and must still be in the chain' },
} as const;

const mostShown = 10_000;

export const auditLog: Command = {
  name: 'audit log',
  parameters: '[options]',
  summary: 'Lists what operators did, the newest first',
  options: logOptions,
  examples: ['audit log', 'audit log --since 30d --json'],
  async run(args, context) {
    const { values } = parseArguments(args, logOptions);
    const since = values.since ?? '7d';
    const back = parseDuration(since);
    if (back === undefined) throw new UsageError(`--since: expected a duration such as 24h or 30d, got "${since}"`);
    return withAudit(values.config, context, (audit) => {
      const entries = audit.list(context.clock.wall() - back, mostShown);
      if (values.json) printJson({ entries }, context);
      else {
        const rows = entries.map(({ at, actor, action, subject, detail }) => {
          return [new Date(at).toISOString(), actor, action, subject, detail];
        });
        context.terminal.out(formatTable(['AT', 'WHO', 'DID', 'TO', 'DETAIL'], rows));
      }
      return exitCodes.ok;
    });
  },
};

export const auditVerify: Command = {
  name: 'audit verify',
  parameters: '[options]',
  summary: 'Checks that nothing was changed, taken out of or put into the log of what operators did',
  about: [
    'Prints the head of the chain. Note it elsewhere: who can write the database could write a whole new chain, but none that',
    'holds a head that was noted before.',
  ],
  options: verifyOptions,
  examples: ['audit verify', 'audit verify --head 4f1c…'],
  async run(args, context) {
    const { values } = parseArguments(args, verifyOptions);
    return withAudit(values.config, context, (audit) => {
      const verdict = audit.verify(values.head);
      if (values.json) printJson(verdict, context);
      else if (verdict.isWhole) context.terminal.out(`${verdict.entries} entries, whole; head ${verdict.head}\n`);
      else context.terminal.error(`broken at entry ${verdict.position}: ${verdict.reason}\n`);
      return verdict.isWhole ? exitCodes.ok : exitCodes.refused;
    });
  },
};

type AuditLog = ReturnType<typeof openState>['audit'];

function withAudit<T>(config: string | undefined, context: CommandContext, work: (audit: AuditLog) => T): T {
  const { clock, random } = context;
  const state = openState(stateDirectory(loadConfigFile(config, context)), { clock, random });
  try {
    return work(state.audit);
  } finally {
    state.close();
  }
}
