// What several nodes share, where it stands, and which of them this one is.
import * as z from 'zod';
import { addressList, duration, hostPort, name, sipUri, text } from './values.ts';

const redisUrl = z
  .string()
  .max(1024)
  .refine(
    (value) => /^rediss?:\/\/[!-~]+$/.test(value) && URL.canParse(value) && new URL(value).hostname !== '',
    'expected redis://HOST[:PORT][/DATABASE], or rediss:// for TLS',
  )
  .refine(
    (value) => !URL.canParse(value) || (new URL(value).username === '' && new URL(value).password === ''),
    'expected no user or password in it: username and password_env have them',
  );

const variable = z.string().max(255);

export const store = z.strictObject({
  url: redisUrl.optional(),
  username: z.string().min(1).max(255).optional(),
  password_env: variable.min(1).optional(),
  ca: text.optional(),
  sentinels: z.array(hostPort).max(20).default([]),
  sentinel_master: name.optional(),
  sentinel_password_env: variable.min(1).optional(),
  cluster: z.boolean().default(false),
  cluster_nodes: z.array(hostPort).max(100).default([]),
  prefix: name.default('portcullis'),
  key_env: variable.min(1).optional(),
  connect_timeout: duration.prefault('2s'),
  timeout: duration.prefault('500ms'),
  on_store_loss: z.enum(['refuse', 'local']).default('refuse'),
});

const clusterPeer = z.strictObject({
  node: name,
  uri: sipUri,
  accept_from: addressList.min(1),
  certificate_name: text.optional(),
  listener: name.optional(),
});

export const cluster = z.strictObject({
  node: name.optional(),
  lease: duration.prefault('10s'),
  heartbeat: duration.prefault('250ms'),
  takeover_after: duration.prefault('1s'),
  takeover: z.enum(['lease', 'told']).default('lease'),
  on_takeover: text.optional(),
  listener: name.optional(),
  peer: z.array(clusterPeer).max(64).default([]),
});
