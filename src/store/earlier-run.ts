// How connections of an earlier run of the process are named: as no live one can be, whatever ids this run gives out.

/** No flow id of a transport begins so. */
export const earlier = 'earlier-run:';

/** The id that a flow of that run has from now on; one of a run before keeps its own. */
export function earlierFlowId(run: string, flowId: string): string {
  return flowId.startsWith(earlier) ? flowId : `${earlier}${run}:${flowId}`;
}
