// Whoever sends more media than it may, as an alert.
import type { CallObserver } from '../../b2bua/b2bua-parts.ts';
import type { AlertSink } from '../../policy/alert.ts';
import { subjectOf } from '../../policy/policy-engine.ts';

export function floodAlert(onAlert: AlertSink): CallObserver['onMediaFlood'] {
  return (call, party, limit) => {
    onAlert({ kind: 'media-flood', call, party: party === undefined ? undefined : subjectOf(party), ...limit });
  };
}
