/** What V8 is told where the SBC serves calls. It bounds young objects; see docs/architecture.md for what was measured. */
export const serviceFlags = ['--max-semi-space-size=32'];
