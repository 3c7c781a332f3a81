import { describe, expect, test } from 'vitest';
import { earlierFlowId, flowIdOfNode, readFlowId } from '../../../src/store/earlier-run.ts';

describe('the name of a flow that no live one can have', () => {
  test.each(['flow-7', 'phones|192.0.2.1|5060', 'phones|2001:db8::1|5060', 'process:2:r:flow-7'])(
    'of %s is read as it was made',
    (flowId) => {
      expect(readFlowId(flowIdOfNode('edge-1', 'r1', flowId))).toEqual({ node: 'edge-1', run: 'r1', flowId });
      expect(readFlowId(earlierFlowId('r1', flowId))).toEqual({ node: undefined, run: 'r1', flowId });
      expect(readFlowId(flowId)).toBeUndefined();
    },
  );
});
