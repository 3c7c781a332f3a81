// The reference SBC as one thing: rtpengine and Kamailio on one host, with a certificate of the lab's authority.
import type { CertificateAuthority } from './certificates.ts';
import { type KamailioSbcOptions, startKamailioSbc } from './kamailio-sbc.ts';
import type { Lab } from './lab.ts';
import type { PeerProcess } from './peer-process.ts';
import { type RtpengineOptions, startRtpengine } from './rtpengine.ts';

export interface ReferenceSbc {
  readonly kamailio: PeerProcess;
  readonly rtpengine: PeerProcess;
  stop(): Promise<void>;
}

export interface ReferenceOptions extends Omit<KamailioSbcOptions, 'certificate'> {
  readonly authority: CertificateAuthority;
  readonly key?: 'rsa' | 'ec' | undefined;
  readonly rtpengine?: Omit<RtpengineOptions, 'host' | 'cpus'> | undefined;
}

/** Starts both halves, on the same `cpus` when given. */
export async function startReferenceSbc(lab: Lab, options: ReferenceOptions): Promise<ReferenceSbc> {
  const { authority, key, rtpengine: media, ...signalling } = options;
  const certificate = await authority.issue({
    name: `${options.host.name}-edge`,
    key,
    dns: ['sbc.test', options.domain],
    addresses: [options.host.outside],
  });
  const rtpengine = await startRtpengine(lab, { ...media, host: options.host, cpus: options.cpus });
  const kamailio = await startKamailioSbc(lab, { ...signalling, certificate }).catch(async (thrown: unknown) => {
    await rtpengine.stop();
    throw thrown;
  });
  return {
    kamailio,
    rtpengine,
    stop: async () => {
      await kamailio.stop();
      await rtpengine.stop();
    },
  };
}
