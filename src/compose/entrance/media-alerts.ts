// What is wrong with the media of a call, as alerts: who sends more than it may, and who is not heard.
import type { CallObserver } from '../../b2bua/b2bua-parts.ts';
import type { Party } from '../../b2bua/routing/target.ts';
import type { AlertSink } from '../../policy/alert.ts';
import { subjectOf } from '../../policy/policy-engine.ts';

export function mediaAlerts(onAlert: AlertSink): Pick<CallObserver, 'onMediaFlood' | 'onOneWayAudio'> {
  return {
    onMediaFlood: (call, party, limit) => onAlert({ kind: 'media-flood', call, party: nameOf(party), ...limit }),
    onOneWayAudio: (call, party) => onAlert({ kind: 'one-way-audio', call, party: nameOf(party) }),
  };
}

function nameOf(party: Party | undefined): string | undefined {
  return party === undefined ? undefined : subjectOf(party);
}
