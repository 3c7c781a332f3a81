/** Values that fraud detection knows of all subjects together; beyond that the oldest are forgotten. */
export const mostKnown = 500_000;
