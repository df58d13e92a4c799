// The verbs of the Redis store, one Lua script each: Redis runs a script as one step, so that no
// write slips between the look and the leap. Only `create` creates: HSET alone would bring an ended
// session back. A record is a hash; session data are its fields with the prefix `f:`, as JSON. The
// keys of a script lie in one slot (cluster specification, hash tags). No script reads a clock.

import { type CommandParser, defineScript } from '@redis/client';

/** Deleting comes first: a script that has written is not refused for want of memory. */
const prelude = `
local function alive(key, now)
  local at = redis.call('HMGET', key, 'absoluteExpiresAt', 'idleExpiresAt', 'revokedAt')
  if at[3] or not at[1] or not at[2] then return false end
  return tonumber(now) < tonumber(at[1]) and tonumber(now) < tonumber(at[2])
end
local function finish(key, index, id, reason, now)
  local kept = redis.call('HMGET', key, 'absoluteExpiresAt', 'userId', 'handle')
  local left = redis.call('PTTL', key)
  redis.call('DEL', key)
  redis.call('HSET', key, 'revokedAt', now, 'reason', reason,
    'absoluteExpiresAt', kept[1], 'userId', kept[2], 'handle', kept[3])
  if left > 0 then redis.call('PEXPIRE', key, left) end
  redis.call('ZREM', index, id)
end
local function trim(index, keyPrefix, last)
  for _, id in ipairs(redis.call('ZRANGE', index, 0, last)) do
    if redis.call('EXISTS', keyPrefix .. id) == 0 then redis.call('ZREM', index, id) end
  end
end
`;

function script(body: string) {
  return defineScript({
    SCRIPT: prelude + body,
    parseCommand(parser: CommandParser, keys: readonly string[], args: readonly string[]) {
      parser.pushKeysLength([...keys]);
      parser.push(...args);
    },
    transformReply: undefined as unknown as () => unknown,
  });
}

export const scripts = {
  /** Keys: session, index. Arguments: key prefix, id, absolute limit, TTL in ms, the record. */
  createSession: script(`
    if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
    redis.call('HSET', KEYS[1], unpack(ARGV, 5))
    redis.call('PEXPIRE', KEYS[1], ARGV[4])
    trim(KEYS[2], ARGV[1], 3)
    redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
    if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[4]) then
      redis.call('PEXPIRE', KEYS[2], ARGV[4])
    end
    return 1`),

  /** Key: session. Arguments: now, expected revision or '', then op, field and value of each. */
  updateSession: script(`
    if not alive(KEYS[1], ARGV[1]) then return {'gone'} end
    local revision = redis.call('HGET', KEYS[1], 'revision')
    if ARGV[2] ~= '' and ARGV[2] ~= revision then return {'conflict', revision} end
    for i = 3, #ARGV, 3 do
      local op, field, value = ARGV[i], 'f:' .. ARGV[i + 1], ARGV[i + 2]
      if op == 'set' then redis.call('HSET', KEYS[1], field, value)
      elseif op == 'remove' then redis.call('HDEL', KEYS[1], field)
      else
        local before = redis.call('HGET', KEYS[1], field)
        local number = before and string.find(before, '^[-0-9]') and tonumber(before) or 0
        redis.call('HSET', KEYS[1], field, string.format('%.17g', number + tonumber(value)))
      end
    end
    redis.call('HINCRBY', KEYS[1], 'revision', 1)
    return {'ok', redis.call('HGETALL', KEYS[1])}`),

  /** Key: session. Arguments: last seen at, idle limit. */
  touchSession: script(`
    if not alive(KEYS[1], ARGV[1]) then return 0 end
    for i, name in ipairs({'lastSeenAt', 'idleExpiresAt'}) do
      if tonumber(ARGV[i]) > tonumber(redis.call('HGET', KEYS[1], name)) then
        redis.call('HSET', KEYS[1], name, ARGV[i])
      end
    end
    return 1`),

  /** Keys: session, index. Arguments: id, now, presented and next hash, sealed next, grace in ms. */
  rotateSession: script(`
    if not alive(KEYS[1], ARGV[2]) then return {'gone'} end
    local at = redis.call('HMGET', KEYS[1], 'secretHash', 'previousSecretHash', 'rotatedAt', 'handle',
      'sealedSecret')
    if at[1] == ARGV[3] then
      redis.call('HSET', KEYS[1], 'secretHash', ARGV[4], 'previousSecretHash', ARGV[3],
        'sealedSecret', ARGV[5], 'rotatedAt', ARGV[2])
      return {'rotated', redis.call('HGETALL', KEYS[1])}
    end
    if at[2] == ARGV[3] and tonumber(ARGV[2]) < tonumber(at[3]) + tonumber(ARGV[6]) then
      return {'absorbed', redis.call('HGETALL', KEYS[1])}
    end
    finish(KEYS[1], KEYS[2], ARGV[1], 'reuse', ARGV[2])
    return {'reuse', at[4]}`),

  /** Keys: session, index. Arguments: id, now, reason. */
  revokeSession: script(`
    if not alive(KEYS[1], ARGV[2]) then return 0 end
    finish(KEYS[1], KEYS[2], ARGV[1], ARGV[3], ARGV[2])
    return 1`),

  /** Key: index. Arguments: key prefix, user id, now, reason. */
  revokeSessions: script(`
    local count = 0
    for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
      local key = ARGV[1] .. id
      if redis.call('HGET', key, 'userId') == ARGV[2] and alive(key, ARGV[3]) then
        finish(key, KEYS[1], id, ARGV[4], ARGV[3])
        count = count + 1
      end
    end
    trim(KEYS[1], ARGV[1], -1)
    return count`),

  /** Key: index. Arguments: key prefix, user id. */
  listSessions: script(`
    local found = {}
    for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
      local key = ARGV[1] .. id
      if redis.call('HGET', key, 'userId') == ARGV[2] then
        found[#found + 1] = redis.call('HGETALL', key)
      end
    end
    return found`),
};
