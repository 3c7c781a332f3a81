// A session that was told of no peer yet, as another worker or process could go on with it.
import type { KeysSnapshot, MediaSnapshot } from './media-snapshot.ts';
import type { EndpointReport, OpenedEndpoint } from './messages.ts';
import { noTraffic } from './traffic-totals.ts';

/** A session of which nothing is known but where its endpoints are. */
export function freshSnapshot(endpoints: readonly OpenedEndpoint[], nextEndpoint: number): MediaSnapshot {
  const none: KeysSnapshot = { receive: null, send: null };
  return {
    version: 2,
    endpoints: endpoints.map(({ endpoint, address, rtpPort, rtcpPort }) => ({
      endpoint,
      address,
      rtpPort,
      rtcpPort: rtcpPort ?? null,
      remote: null,
      keys: none,
      rtcpKeys: none,
      keyedBy: null,
      rtcpKeyedBy: null,
      latched: null,
      rtcpLatched: null,
      sources: [],
      report: emptyReport(endpoint),
    })),
    joined: [],
    nextEndpoint,
    isPaused: false,
    closed: [],
  };
}

function emptyReport(endpoint: number): EndpointReport {
  const { received: none, dropped } = noTraffic;
  return {
    endpoint,
    received: none,
    sent: none,
    receivedRtcp: none,
    sentRtcp: none,
    dropped,
    lost: 0,
    jitter: 0,
    meanOpinionScore: undefined,
    roundTrip: undefined,
    oneWay: false,
    latched: undefined,
  };
}
