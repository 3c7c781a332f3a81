// `portcullis top` over the made-up site, as it stands on a screen.
import { frameOf } from '../../src/cli/top/frame.ts';
import { sampleOf } from '../../src/cli/top/sample.ts';
import { initialState } from '../../src/cli/top/top-state.ts';
import { lookedAt, overviewAt } from './made-up-site.ts';
import { terminalSvg } from './terminal-svg.ts';

const size = { columns: 110, rows: 26 };

/** As SVG; the same each time. */
export function topPicture(): string {
  const sample = sampleOf(overviewAt(-1), overviewAt(0));
  const state = { ...initialState(), selected: sample.overview.list[2]?.id };
  const { lines } = frameOf(state, { sample, now: lookedAt }, size);
  return terminalSvg(lines, size.columns, 'portcullis top: calls that run, and what is counted');
}
