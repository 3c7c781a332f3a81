// Where a worker's entry file is: in the source tree while it runs from source, beside the bundle when it was built.

/** The entry of a media worker, seen from the module whose `import.meta.url` is given. */
export function workerUrl(moduleUrl: string): URL {
  return moduleUrl.endsWith('.ts')
    ? new URL('../worker/worker-main.ts', moduleUrl)
    : new URL('./worker-main.js', moduleUrl);
}
