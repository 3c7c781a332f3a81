// Where the SBC stands: its name, domains, networks, listeners and media.
import { z } from 'zod';
import {
  algorithm,
  domainName,
  duration,
  headerText,
  hostPort,
  ipAddress,
  name,
  portRange,
  socketAddress,
  text,
} from './values.ts';

export const sbc = z.strictObject({
  name: name.default('portcullis'),
  state_dir: text.default('var'),
  drain_timeout: duration.prefault('60s'),
});

export const domain = z.strictObject({ name: domainName, realm: headerText.min(1).optional() });

const encryption = z.enum(['required', 'opportunistic', 'off']);

export const network = z.strictObject({
  name,
  media: z.array(z.strictObject({ address: ipAddress, advertise: ipAddress.optional() })).min(1),
  encryption: encryption.default('required'),
  allow_loopback_media: z.boolean().default(false),
  latch_window: duration.optional(),
});

export const listener = z.strictObject({
  name,
  network: name,
  transport: z.enum(['tls', 'tcp', 'udp']),
  address: socketAddress,
  advertise: hostPort.optional(),
  certificate: text.optional(),
  key: text.optional(),
  client_ca: text.optional(),
  client_certificate: z.enum(['off', 'optional', 'required']).default('off'),
  server_ca: text.optional(),
  algorithms: z.array(algorithm).min(1).default(['SHA-256', 'MD5']),
});

export const media = z.strictObject({
  ports: portRange.prefault('20000-39999'),
  workers: z.int().min(0).max(64).default(0),
  driver: z.enum(['auto', 'io_uring', 'epoll', 'dgram']).default('auto'),
  timeout: duration.prefault('30s'),
  port_quarantine: duration.prefault('10s'),
});
