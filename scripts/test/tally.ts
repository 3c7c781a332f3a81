// What a run of tests amounts to, whoever ran it: vitest, or a runner of our own that writes the report below.
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** One line for each case that failed or was skipped, and why. */
  readonly remarks: readonly string[];
}

export const nothing: Tally = { passed: 0, failed: 0, skipped: 0, remarks: [] };

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (total, one) => ({
      passed: total.passed + one.passed,
      failed: total.failed + one.failed,
      skipped: total.skipped + one.skipped,
      remarks: [...total.remarks, ...one.remarks],
    }),
    nothing,
  );
}

/** The closing line of every run; CI and people read it. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

const runnerReport = z.object({
  passed: z.int().min(0),
  failed: z.int().min(0),
  skipped: z.int().min(0),
  cases: z.array(
    z.object({ name: z.string(), status: z.enum(['passed', 'failed', 'skipped']), reason: z.string().optional() }),
  ),
});

/** The report of an own runner. A missing or contradictory one, or an exit code that does not fit, counts as a failure. */
export function tallyOfRunner(name: string, reportFile: string, exitCode: number): Tally {
  const read = readReport(name, reportFile);
  const contradicts = read.failed === 0 && exitCode !== 0;
  if (!contradicts) return read;
  return {
    ...read,
    failed: 1,
    remarks: [...read.remarks, `failed: ${name} ended with code ${exitCode}, though no case failed`],
  };
}

function readReport(name: string, reportFile: string): Tally {
  if (!existsSync(reportFile)) return broken(`${name} wrote no report`);
  const report = runnerReport.safeParse(JSON.parse(readFileSync(reportFile, 'utf8')));
  if (!report.success) return broken(`the report of ${name} is malformed: ${z.prettifyError(report.error)}`);
  const { passed, failed, skipped, cases } = report.data;
  const count = (status: string) => cases.filter((one) => one.status === status).length;
  if (count('passed') !== passed || count('failed') !== failed || count('skipped') !== skipped) {
    return broken(`the report of ${name} contradicts its cases`);
  }
  if (cases.length === 0) return broken(`${name} ran no case`);
  const remarks = cases
    .filter(({ status }) => status !== 'passed')
    .map((one) => `${one.status}: ${name}: ${one.name}${one.reason === undefined ? '' : ` (${one.reason})`}`);
  return { passed, failed, skipped, remarks };
}

function broken(why: string): Tally {
  return { ...nothing, failed: 1, remarks: [`failed: ${why}`] };
}
