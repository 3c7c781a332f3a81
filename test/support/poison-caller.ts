// Whose call is it? Reads a stack trace, nearest frame first.
const poison = /[\\/]test[\\/]support[\\/]poison[^\\/]*\.ts/;
const ofNode = /\(node:|at node:/;
const ofPackage = /[\\/]node_modules[\\/]/;
const ofTestTool = /[\\/]node_modules[\\/](?:vitest|@vitest|vite|fast-check|chai)[\\/]/;
const checkout = new URL('../..', import.meta.url).pathname.replace(/\/$/, '');

/**
 * True when code under src is responsible for the call: it made it itself, or through a package or Node. A test tool that
 * stands in between takes the call upon itself: vitest looks at the clock while it loads what src imports.
 */
export function isCalledFromSource(stack: string): boolean {
  const frames = stack.split('\n').filter((line) => line.trimStart().startsWith('at ') && !poison.test(line));
  const responsible = frames.find((frame) => ofTestTool.test(frame) || !(ofNode.test(frame) || ofPackage.test(frame)));
  return responsible?.includes(`${checkout}/src/`) === true;
}
