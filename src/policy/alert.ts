// What somebody must be told of at once. Whoever delivers alerts implements `AlertSink`; until then they are in the log.

export type Alert =
  | { readonly kind: 'emergency-call'; readonly call: string; readonly caller: string; readonly number: string }
  | {
      readonly kind: 'fraud';
      readonly rule: string;
      readonly subject: string;
      readonly level: 'warn' | 'act';
      /** What was seen, and what would have been done in shadow mode. */
      readonly detail: string;
    };

/** Never throws, never waits. */
export type AlertSink = (alert: Alert) => void;
