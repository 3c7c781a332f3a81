// The atomic steps of the shared store, in Lua. Every key begins with the same hash tag, so all are of one slot, and a script may name the
// keys that it finds out by itself. Time is the server's, unless the caller brings its own.
//
//   nodes            sorted set   node → until when it is alive (ms)
//   owner:NODE       hash         run: the process that is the node; until: when another one may be (ms); machine: where it runs
//   held:NODE        hash         OWNER US KEY → "s" (a slot), or "b:LEASE:LEASED_AT:UNTIL" (talking time)
//   slots:KEY        hash         node → how many
//   leased:KEY       hash         node → sum of leases (ms)
//   used:KEY         string       what was used of a budget (ms), expires with its period
//   rate:KEY         sorted set   attempts by their time
//   events           stream       what nodes tell each other
//   reg:AOR          hash         key of a binding → "STAMP JSON"
//   aors             set          addresses of record that may have bindings
//   calls:NODE       hash         call → sealed document
//   bans             hash         "SOURCE" or "SOURCE ACCOUNT" → JSON
//   secret:NAME      string       what all nodes must have alike, sealed

export interface Script {
  readonly name: string;
  readonly lua: string;
}

/** ARGV: prefix, node, run, time or ''. `fenced` answers whether another process is the node by now. */
const head = `
local p, node, run, now = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local function fenced()
  local owner = redis.call('HMGET', p .. 'owner:' .. node, 'run', 'until')
  return owner[1] and owner[1] ~= run and tonumber(owner[2]) > now
end
local function own(takeover)
  redis.call('HSET', p .. 'owner:' .. node, 'run', run, 'until', string.format('%d', now + takeover))
end
local alive = {}
local function isAlive(n)
  if n == node then return true end
  if alive[n] == nil then
    local till = redis.call('ZSCORE', p .. 'nodes', n)
    alive[n] = (till and tonumber(till) > now) or false
  end
  return alive[n]
end
local function sum(key)
  local total = 0
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    if isAlive(all[i]) then total = total + tonumber(all[i + 1]) end
  end
  return total
end
local function usedOf(key) return tonumber(redis.call('GET', p .. 'used:' .. key) or '0') end
local function add(key, of, change)
  if redis.call('HINCRBY', key, of, string.format('%d', change)) <= 0 then redis.call('HDEL', key, of) end
end
local function charge(key, used, till)
  if used <= 0 or till <= now then return end
  redis.call('INCRBY', p .. 'used:' .. key, string.format('%d', used))
  redis.call('PEXPIREAT', p .. 'used:' .. key, string.format('%d', till))
end
local function lease(value)
  local l, at, till = string.match(value, '^b:(%d+):(%d+):(%d+)$')
  return tonumber(l), tonumber(at), tonumber(till)
end
local function put(of, field, value)
  local key = string.match(field, '\\31(.*)$')
  redis.call('HSET', p .. 'held:' .. of, field, value)
  if value == 's' then add(p .. 'slots:' .. key, of, 1)
  else add(p .. 'leased:' .. key, of, (lease(value))) end
end
-- used: nil charges for as long as the call may have talked
local function drop(of, field, value, used)
  local key = string.match(field, '\\31(.*)$')
  redis.call('HDEL', p .. 'held:' .. of, field)
  if value == 's' then
    add(p .. 'slots:' .. key, of, -1)
    return
  end
  local l, at, till = lease(value)
  add(p .. 'leased:' .. key, of, -l)
  charge(key, math.max(0, math.min(l, used or (now - at))), till)
end
`;

function script(name: string, body: string): Script {
  return { name, lua: `${head}${body}` };
}

const fencedOff = `if fenced() then return redis.error_reply('NOTOWNER another process is this node') end\n`;

export const scripts = {
  /** More ARGV: lifetime, least lease, owner, and for each claim kind, key, cap, window or wanted, until. */
  reserve: script(
    'reserve',
    `${fencedOff}
local lifetime, least, owner = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local held = p .. 'held:' .. node
redis.call('ZADD', p .. 'nodes', now + lifetime, node)
local function taken(kind, key, window)
  if kind == 's' then return sum(p .. 'slots:' .. key) end
  if kind == 'b' then return usedOf(key) + sum(p .. 'leased:' .. key) end
  redis.call('ZREMRANGEBYSCORE', p .. 'rate:' .. key, '-inf', now - window)
  return redis.call('ZCARD', p .. 'rate:' .. key)
end
for i = 8, #ARGV, 5 do
  local kind, key, cap = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  if redis.call('HEXISTS', held, owner .. '\\31' .. key) == 0 then
    local have = taken(kind, key, tonumber(ARGV[i + 3]))
    if have + (kind == 'b' and least or 1) > cap then return { 0, (i - 8) / 5, have } end
  end
end
local reply = { 1 }
for i = 8, #ARGV, 5 do
  local kind, key, cap, amount = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local field = owner .. '\\31' .. key
  if kind == 'r' then
    local rate = p .. 'rate:' .. key
    redis.call('ZADD', rate, now, redis.call('INCR', p .. 'serial'))
    redis.call('PEXPIRE', rate, math.max(amount + 1000, redis.call('PTTL', rate)))
  elseif kind == 's' then
    if redis.call('HEXISTS', held, field) == 0 then put(node, field, 's') end
  else
    local value = redis.call('HGET', held, field)
    if not value then
      local left = math.min(amount, cap - taken('b', key))
      value = string.format('b:%d:%d:%d', left, now, tonumber(ARGV[i + 4]))
      put(node, field, value)
    end
    reply[#reply + 1] = key
    reply[#reply + 1] = value
  end
end
return reply`,
  ),

  /** More ARGV: owner, used, keys. */
  release: script(
    'release',
    `${fencedOff}
local held = p .. 'held:' .. node
for i = 7, #ARGV do
  local field = ARGV[5] .. '\\31' .. ARGV[i]
  local value = redis.call('HGET', held, field)
  if value then drop(node, field, value, tonumber(ARGV[6])) end
end
return 1`,
  ),

  /** More ARGV: lifetime, successor or '', how many settlements and undecided, then owner, key, used, until, local of each; fields; field, value of what is held. */
  reassert: script(
    'reassert',
    `${fencedOff}
local lifetime, successor, settlements, undecided = tonumber(ARGV[5]), ARGV[6] ~= '', tonumber(ARGV[7]), tonumber(ARGV[8])
local held = p .. 'held:' .. node
redis.call('ZADD', p .. 'nodes', now + lifetime, node)
local at = 9
for _ = 1, settlements do
  local field, used = ARGV[at] .. '\\31' .. ARGV[at + 1], tonumber(ARGV[at + 2])
  if ARGV[at + 4] ~= '' then charge(ARGV[at + 1], used, tonumber(ARGV[at + 3]))
  else
    local value = redis.call('HGET', held, field)
    if value then drop(node, field, value, used) end
  end
  at = at + 5
end
local wanted = {}
for _ = 1, undecided do
  wanted[ARGV[at]] = ''
  at = at + 1
end
for i = at, #ARGV, 2 do wanted[ARGV[i]] = ARGV[i + 1] end
local have = redis.call('HGETALL', held)
for i = 1, #have, 2 do
  local field, value = have[i], have[i + 1]
  if wanted[field] then wanted[field] = ''
  elseif successor then drop(node, field, value, nil)
  else drop(node, field, value, 0) end
end
for field, value in pairs(wanted) do
  if value ~= '' then put(node, field, value) end
end
return 1`,
  ),

  /** More ARGV: lifetime, time of a takeover, cursor or '', most events. */
  beat: script(
    'beat',
    `
if fenced() then return { 0 } end
local lifetime, takeover, cursor, most = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], ARGV[8]
own(takeover)
redis.call('ZADD', p .. 'nodes', now + lifetime, node)
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', p .. 'nodes', '-inf', now, 'LIMIT', 0, 1)) do
  local left = redis.call('HGETALL', p .. 'held:' .. dead)
  for i = 1, #left, 2 do drop(dead, left[i], left[i + 1], nil) end
  redis.call('ZREM', p .. 'nodes', dead)
end
local first = redis.call('XRANGE', p .. 'events', '-', '+', 'COUNT', 1)
local last = redis.call('XREVRANGE', p .. 'events', '+', '-', 'COUNT', 1)
local told = {}
if cursor ~= '' then told = redis.call('XRANGE', p .. 'events', '(' .. cursor, '+', 'COUNT', most) end
return { 1, first[1] and first[1][1] or '', last[1] and last[1][1] or '', told, redis.call('ZRANGE', p .. 'nodes', 0, -1) }`,
  ),

  /** More ARGV: time of a takeover, when (at-once, when-free, again), the machine. */
  own: script(
    'own',
    `
local takeover = tonumber(ARGV[5])
if ARGV[6] == 'when-free' and fenced() then return 0 end
if ARGV[6] == 'again' and redis.call('HGET', p .. 'owner:' .. node, 'machine') ~= ARGV[7] then return 0 end
own(takeover)
redis.call('HSET', p .. 'owner:' .. node, 'machine', ARGV[7])
return 1`,
  ),

  disown: script(
    'disown',
    `
if fenced() then return 0 end
redis.call('DEL', p .. 'owner:' .. node)
local left = redis.call('HGETALL', p .. 'held:' .. node)
for i = 1, #left, 2 do drop(node, left[i], left[i + 1], nil) end
redis.call('ZREM', p .. 'nodes', node)
return 1`,
  ),

  /** More ARGV: aor, until when the last binding lives, how many to put, key and value of each, then key and stamp of each to remove. */
  changeBindings: script(
    'changeBindings',
    `
local reg, till, puts = p .. 'reg:' .. ARGV[5], ARGV[6], tonumber(ARGV[7])
local at = 8
for _ = 1, puts do
  redis.call('HSET', reg, ARGV[at], ARGV[at + 1])
  at = at + 2
end
for i = at, #ARGV, 2 do
  local value = redis.call('HGET', reg, ARGV[i])
  if value and string.sub(value, 1, #ARGV[i + 1]) == ARGV[i + 1] then redis.call('HDEL', reg, ARGV[i]) end
end
if redis.call('EXISTS', reg) == 0 then
  redis.call('SREM', p .. 'aors', ARGV[5])
else
  redis.call('SADD', p .. 'aors', ARGV[5])
  local left = redis.call('PTTL', reg)
  redis.call('PEXPIREAT', reg, string.format('%d', math.max(left > 0 and now + left or 0, tonumber(till))))
end
return 1`,
  ),

  /** More ARGV: how many to put, call and document of each, then calls to remove. */
  writeCalls: script(
    'writeCalls',
    `${fencedOff}
local calls, puts = p .. 'calls:' .. node, tonumber(ARGV[5])
local at = 6
for _ = 1, puts do
  redis.call('HSET', calls, ARGV[at], ARGV[at + 1])
  at = at + 2
end
for i = at, #ARGV do redis.call('HDEL', calls, ARGV[i]) end
return 1`,
  ),
} as const satisfies Record<string, Script>;
