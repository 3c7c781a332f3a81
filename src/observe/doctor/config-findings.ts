// What is weak in a configuration that is valid, and what of it this machine cannot do.
import type { Config } from '../../config/schema.ts';
import type { DoctorFinding } from './finding.ts';
import type { HostFacts } from './host-facts.ts';

/** Ports and descriptors of a call whose RTP and RTCP are apart on both legs. */
const portsOfCall = 4;
/** Of the descriptors, what media may take (compose/descriptor-budget.ts). */
const mediaShare = 0.75;

type Facts = Pick<HostFacts, 'descriptors' | 'ioUringDisabled'>;

export function configFindings(config: Config, facts: Facts): readonly DoctorFinding[] {
  return [...listenerFindings(config), ...policyFindings(config), ...capacityFindings(config, facts)];
}

function listenerFindings({ listener, pbx, domain }: Config): readonly DoctorFinding[] {
  const inside = new Set(pbx.map((one) => one.listener));
  return listener.flatMap(({ name, transport, algorithms }): readonly DoctorFinding[] => {
    const findings: DoctorFinding[] = [];
    if (transport !== 'tls' && !inside.has(name)) {
      const detail = `listener ${name} is ${transport}, outside of what a PBX uses: who calls whom can be read`;
      findings.push({ id: `plain ${name}`, severity: 'warning', detail, remedy: 'transport = "tls"' });
    }
    if (
      algorithms.includes('MD5') &&
      !inside.has(name) &&
      domain.some((its) => its.algorithms?.includes('MD5') ?? true)
    ) {
      const detail = `listener ${name} offers MD5, by which a password can be guessed from one recorded answer`;
      const remedy = 'algorithms = ["SHA-256"] once every phone there knows it';
      findings.push({ id: `md5 ${name}`, severity: 'info', detail, remedy });
    }
    return findings;
  });
}

function policyFindings({ bans, fraud, limit, trunk, alerts }: Config): readonly DoctorFinding[] {
  const findings: DoctorFinding[] = [];
  if (!bans.enabled) {
    const detail = 'nobody is banned for guessing passwords';
    findings.push({ id: 'no-bans', severity: 'warning', detail, remedy: '[bans] enabled = true' });
  }
  if (fraud.mode === 'off') {
    const detail = 'fraud is not looked for';
    findings.push({ id: 'no-fraud-detection', severity: 'warning', detail, remedy: '[fraud] mode = "shadow"' });
  }
  const isSpendBound =
    limit.some((one) => one.minutes_per_day !== undefined || one.minutes_per_month !== undefined) ||
    (fraud.mode === 'active' && (fraud.rule.length === 0 || fraud.rule.some(({ kind }) => kind === 'spend')));
  if (trunk.length > 0 && !isSpendBound) {
    const detail = 'nothing bounds what calls over trunks may cost in a day';
    const remedy = '[[limit]] with minutes_per_day, or [fraud] mode = "active" with a rule of kind "spend"';
    findings.push({ id: 'no-spend-limit', severity: 'warning', detail, remedy });
  }
  for (const { name, concurrent_calls: cap } of trunk) {
    if (cap !== undefined) continue;
    const detail = `trunk ${name} has no cap of its own`;
    findings.push({ id: `no-cap ${name}`, severity: 'info', detail, remedy: 'concurrent_calls = what was bought' });
  }
  if (alerts.webhook.length + alerts.syslog.length + alerts.mail.length === 0) {
    const detail = 'alerts reach nobody: they are in the log only';
    findings.push({ id: 'no-receiver', severity: 'info', detail, remedy: '[[alerts.webhook]], [[alerts.mail]] …' });
  }
  return findings;
}

function capacityFindings(
  { media, limits }: Config,
  { descriptors, ioUringDisabled }: Facts,
): readonly DoctorFinding[] {
  const findings: DoctorFinding[] = [];
  const { total_calls: calls } = limits;
  const ports = media.ports.last - media.ports.first + 1;
  const forPorts = Math.floor(ports / portsOfCall);
  if (forPorts < calls) {
    const detail = `media.ports carry ${forPorts} calls at worst, limits.total_calls takes ${calls}`;
    findings.push({ id: 'ports', severity: 'warning', detail, remedy: 'widen media.ports, or lower total_calls' });
  }
  const forDescriptors = descriptors === undefined ? undefined : Math.floor((descriptors * mediaShare) / portsOfCall);
  if (forDescriptors !== undefined && forDescriptors < calls) {
    const detail = `${descriptors} open files carry ${forDescriptors} calls at worst, total_calls takes ${calls}`;
    findings.push({ id: 'descriptors', severity: 'warning', detail, remedy: 'raise ulimit -n (LimitNOFILE)' });
  }
  if (ioUringDisabled !== undefined && ioUringDisabled > 0 && media.driver !== 'dgram' && media.driver !== 'epoll') {
    const severity = media.driver === 'io_uring' ? 'critical' : 'info';
    const detail = `the kernel keeps io_uring from ${ioUringDisabled === 1 ? 'all but a group' : 'everyone'}`;
    const remedy = 'sysctl kernel.io_uring_disabled=0, or media.driver = "epoll"';
    findings.push({ id: 'io-uring', severity, detail, remedy });
  }
  return findings;
}
