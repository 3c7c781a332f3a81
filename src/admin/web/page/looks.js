// Two looks at the same process: what it did meanwhile is the difference.

/** @import { Counted, Overview } from './shape.js' */

/** @param {Overview} overview @returns {readonly Counted[]} */
export function countedParts(overview) {
  return overview.processes?.flatMap((part) => (part.answers ? [part] : [])) ?? [overview];
}

/** @param {Counted} before @param {Counted} now */
export function isLaterLook(before, now) {
  return before.node === now.node && before.startedAt === now.startedAt && before.at < now.at;
}
