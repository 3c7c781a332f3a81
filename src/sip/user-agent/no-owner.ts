// Owners that hear nothing: of what is over, or exists only to be ended, while its transactions live on.
import type { OutgoingCallHandlers, SessionHandlers } from './session.ts';

export const ignoring: SessionHandlers = {
  onReinvite: (reinvite) => reinvite.reject(488),
  onAck: () => {},
  onEnded: () => {},
};

export const nobody: OutgoingCallHandlers = {
  session: ignoring,
  onProvisional: () => {},
  onAnswered: () => {},
  onFailed: () => {},
};
