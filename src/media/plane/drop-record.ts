// A number for each reason why a packet can be dropped.
import type { DropReason } from './messages.ts';

/** `valueAt` is asked for each place of `dropReasons`. */
export function dropRecord(valueAt: (index: number) => number): Record<DropReason, number> {
  return {
    foreign: valueAt(0),
    forged: valueAt(1),
    replayed: valueAt(2),
    malformed: valueAt(3),
    'unexpected-protocol': valueAt(4),
    'not-ready': valueAt(5),
    'not-joined': valueAt(6),
    'not-latched': valueAt(7),
    held: valueAt(8),
    'too-many-sources': valueAt(9),
    'too-large': valueAt(10),
    'over-limit': valueAt(11),
    'index-reuse': valueAt(12),
    'not-keyed': valueAt(13),
    'handshake-refused': valueAt(14),
  };
}
