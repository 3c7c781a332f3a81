/** What V8 is told where the SBC serves calls, and why: docs/architecture.md, "What V8 is told". */
export const serviceFlags = [
  '--max-semi-space-size=32',
  '--expose-gc',
  '--invocation-count-for-turbofan=600',
  '--no-allocation-site-pretenuring',
];
