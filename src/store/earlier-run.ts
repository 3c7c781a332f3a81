// How connections of an earlier run of the process are named: as no live one can be, whatever ids this run gives out.

/** No flow id of a transport begins so. */
export const earlier = 'earlier-run:';

/** The id that a flow of that run has from now on; one of a run before keeps its own. */
export function earlierFlowId(run: string, flowId: string): string {
  return flowId.startsWith(earlier) ? flowId : `${earlier}${run}:${flowId}`;
}

/** The id of a flow of another node, or of an earlier run of it, as no live one can be here. */
export function flowIdOfNode(node: string, run: string, flowId: string): string {
  return `${nodePrefix}${node}:${run}:${flowId}`;
}

/** The parts of an id that one of these has made. Undefined for any other. */
export function readFlowId(
  id: string,
): { readonly node: string | undefined; readonly run: string; readonly flowId: string } | undefined {
  const [, ofNode, node, ofRun, run] = /^(?:(node:)([^:]+):|(earlier-run:))([^:]+):/.exec(id) ?? [];
  if (run === undefined) return undefined;
  const start = (ofNode ?? ofRun ?? '').length + (node === undefined ? 0 : node.length + 1) + run.length + 1;
  return { node, run, flowId: id.slice(start) };
}

const nodePrefix = 'node:';
