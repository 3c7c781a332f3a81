import { describe, expect, test } from 'vitest';
import { mergedMetrics } from '../../../src/admin/merged-metrics.ts';

const one = `# HELP sbc_calls_active Calls that are not over.
# TYPE sbc_calls_active gauge
sbc_calls_active 2

# HELP sbc_call_duration_seconds From answer to end.
# TYPE sbc_call_duration_seconds histogram
sbc_call_duration_seconds_bucket{le="1"} 0
sbc_call_duration_seconds_bucket{le="+Inf"} 4
sbc_call_duration_seconds_sum 31.5
sbc_call_duration_seconds_count 4
`;
const two = `# HELP sbc_trunk_up Whether a peer answers.
# TYPE sbc_trunk_up gauge
sbc_trunk_up{peer="trunk:a{b}"} 1

# HELP sbc_calls_active Calls that are not over.
# TYPE sbc_calls_active gauge
sbc_calls_active 7
`;

describe('metrics of several processes', () => {
  test('describe each metric once, with all samples of it together, each with its process', () => {
    expect(mergedMetrics([one, two])).toBe(`# HELP sbc_calls_active Calls that are not over.
# TYPE sbc_calls_active gauge
sbc_calls_active{process="1"} 2
sbc_calls_active{process="2"} 7
# HELP sbc_call_duration_seconds From answer to end.
# TYPE sbc_call_duration_seconds histogram
sbc_call_duration_seconds_bucket{process="1",le="1"} 0
sbc_call_duration_seconds_bucket{process="1",le="+Inf"} 4
sbc_call_duration_seconds_sum{process="1"} 31.5
sbc_call_duration_seconds_count{process="1"} 4
# HELP sbc_trunk_up Whether a peer answers.
# TYPE sbc_trunk_up gauge
sbc_trunk_up{process="2",peer="trunk:a{b}"} 1
# HELP sbc_process_up Whether a process of sbc.processes answers.
# TYPE sbc_process_up gauge
sbc_process_up{process="1"} 1
sbc_process_up{process="2"} 1
`);
  });

  test('say of a process that does not answer that it does not, and nothing else', () => {
    const text = mergedMetrics([undefined, two]);
    expect(text.split('\n').filter((line) => line.includes('process="1"'))).toEqual(['sbc_process_up{process="1"} 0']);
    expect(text).toContain('sbc_calls_active{process="2"} 7');
  });
});
