/** Ends every switch over a union: a variant that was not handled is a compile error here. Throws if reached. */
export function assertNever(value: never): never {
  throw new Error(`unhandled variant: ${JSON.stringify(value)}`);
}
