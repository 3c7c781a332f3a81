// Where the SBC stands: its name, domains, networks, listeners and media.
import * as z from 'zod';
import { ownMediaLimits } from './accounts.ts';
import {
  algorithm,
  codecs,
  dnsName,
  domainName,
  duration,
  headerText,
  hostPort,
  ipAddress,
  keying,
  name,
  portRange,
  size,
  socketAddress,
  suites,
  text,
} from './values.ts';

export const sbc = z.strictObject({
  name: name.default('portcullis'),
  state_dir: text.default('var'),
  drain_timeout: duration.prefault('60s'),
  spare: z.boolean().default(true),
  processes: z.int().min(1).max(32).default(1),
  process_port: z.int().min(1).max(65_504).default(5_090),
});

export const domain = z.strictObject({
  name: domainName,
  realm: headerText.min(1).optional(),
  algorithms: z.array(algorithm).min(1).optional(),
});

const encryption = z.enum(['required', 'opportunistic', 'off']);

export const network = z.strictObject({
  name,
  media: z.array(z.strictObject({ address: ipAddress, advertise: ipAddress.optional() })).min(1),
  encryption: encryption.default('required'),
  keying: keying.default(['sdes', 'dtls']),
  suites: suites.optional(),
  allow_loopback_media: z.boolean().default(false),
  latch_window: duration.optional(),
  codecs: codecs.optional(),
  video: z.boolean().default(true),
  ...ownMediaLimits,
});

const certificate = z.strictObject({
  certificate: text,
  key: text,
  names: z.array(dnsName).min(1).max(100).optional(),
});

export const listener = z.strictObject({
  name,
  network: name,
  transport: z.enum(['tls', 'tcp', 'udp']),
  address: socketAddress,
  advertise: hostPort.optional(),
  certificate: text.optional(),
  key: text.optional(),
  certificates: z.array(certificate).max(1_000).default([]),
  client_ca: text.optional(),
  client_certificate: z.enum(['off', 'optional', 'required']).default('off'),
  server_ca: text.optional(),
  algorithms: z.array(algorithm).min(1).default(['SHA-256', 'MD5']),
});

/** What one peer may hold or keep waiting: floods, slowloris, slow readers. */
export const transport = z.strictObject({
  connections: z.int().min(1).max(1_000_000).default(20_000),
  connections_per_address: z.int().min(1).max(1_000_000).default(256),
  handshakes_per_address: z.int().min(1).max(100_000).default(32),
  handshake_timeout: duration.prefault('5s'),
  first_message_timeout: duration.prefault('10s'),
  message_timeout: duration.prefault('10s'),
  unserved_timeout: duration.prefault('1m'),
  idle_timeout: duration.prefault('2h'),
  connect_timeout: duration.prefault('5s'),
  send_queue: size.prefault('256KB'),
});

export const media = z.strictObject({
  ports: portRange.prefault('20000-39999'),
  workers: z.int().min(0).max(64).default(0),
  driver: z.enum(['auto', 'io_uring', 'epoll', 'dgram']).default('auto'),
  timeout: duration.prefault('30s'),
  port_quarantine: duration.prefault('10s'),
  worker_heartbeat: duration.prefault('250ms'),
  dscp: z.int().min(0).max(63).default(46),
  receive_buffer: size
    .prefault('256KB')
    .refine((bytes) => bytes >= 8_000 && bytes <= 16_000_000, 'expected a size from "8KB" to "16MB"'),
});
