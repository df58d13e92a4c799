// The verbs of the Redis store, one Lua script each: Redis runs a script as one step, so that no
// write slips between the look and the leap. Only `create` creates: HSET alone would bring an ended
// session back. The layout of a record is told in redis-record.ts. The keys of a script lie in one
// slot (cluster specification, hash tags). No script reads a clock.

import { type CommandParser, defineScript } from '@redis/client';
import { stateWords } from './redis-record.ts';

/**
 * `living` answers the words of a session's state, and nothing for what has ended, has expired or
 * cannot be read. Deleting comes first in `finish`: a script that has written is not refused for
 * want of memory.
 */
const prelude = `
local ${stateWords.join(', ')} = ${stateWords.map((_, at) => at + 1).join(', ')}

local function living(key, now)
  local state = {}
  for word in string.gmatch(redis.call('HGET', key, 'state') or '', '%S+') do
    state[#state + 1] = word
  end
  for at = 1, secretHash - 1 do
    if not tonumber(state[at]) then return nil end
  end
  if tonumber(now) >= tonumber(state[absoluteExpiresAt]) then return nil end
  if tonumber(now) >= tonumber(state[idleExpiresAt]) then return nil end
  return state[secretHash] and state
end
local function save(key, state)
  redis.call('HSET', key, 'state', table.concat(state, ' '))
end
local function isOf(key, user)
  return string.sub(redis.call('HGET', key, 'who') or '', 1, #user) == user
end
local function finish(key, index, id, reason, now)
  local left = redis.call('PTTL', key)
  redis.call('DEL', key)
  redis.call('HSET', key, 'ended', reason .. ' ' .. now)
  if left > 0 then redis.call('PEXPIRE', key, left) end
  redis.call('ZREM', index, id)
end
local function trim(index, keyPrefix, last)
  for _, id in ipairs(redis.call('ZRANGE', index, 0, last)) do
    if redis.call('EXISTS', keyPrefix .. id) == 0 then redis.call('ZREM', index, id) end
  end
end
local function livingOf(index, keyPrefix, user, now)
  local found = {}
  for _, id in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local key = keyPrefix .. id
    local state = isOf(key, user) and living(key, now)
    if state then
      found[#found + 1] = {id = id, key = key, at = tonumber(state[createdAt])}
    end
  end
  table.sort(found, function(one, other)
    if one.at ~= other.at then return one.at < other.at end
    return one.id < other.id
  end)
  return found
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
  /**
   * Keys: session, index. Arguments: key prefix, id, user, now, absolute limit, TTL in ms, how many
   * sessions at most or '', what to do at that, the record.
   */
  createSession: script(`
    local keyPrefix, id, user, now, score, ttl, most, atLimit = unpack(ARGV, 1, 8)
    if redis.call('EXISTS', KEYS[1]) == 1 then return {'taken'} end
    local ended = {}
    if most ~= '' then
      local others = livingOf(KEYS[2], keyPrefix, user, now)
      local surplus = #others + 1 - tonumber(most)
      if surplus > 0 and atLimit == 'refuse' then return {'full'} end
      for i = 1, surplus do
        finish(others[i].key, KEYS[2], others[i].id, 'session-limit', now)
        ended[i] = others[i].id
      end
    end
    redis.call('HSET', KEYS[1], unpack(ARGV, 9))
    redis.call('PEXPIRE', KEYS[1], ttl)
    trim(KEYS[2], keyPrefix, 3)
    redis.call('ZADD', KEYS[2], score, id)
    if redis.call('PTTL', KEYS[2]) < tonumber(ttl) then redis.call('PEXPIRE', KEYS[2], ttl) end
    return {'ok', ended}`),

  /**
   * Key: session. Arguments: now; or '' for each: expected revision, version of the data that the
   * changes are made for, and that they bring it to; then op, field and value of each change.
   */
  updateSession: script(`
    local state = living(KEYS[1], ARGV[1])
    if not state then return {'gone'} end
    for i, word in ipairs({revision, dataVersion}) do
      local wanted = ARGV[i + 1]
      if wanted ~= '' and wanted ~= state[word] then return {'conflict', state[revision]} end
    end
    for i = 5, #ARGV, 3 do
      local op, field, value = ARGV[i], 'f:' .. ARGV[i + 1], ARGV[i + 2]
      if op == 'set' then redis.call('HSET', KEYS[1], field, value)
      elseif op == 'remove' then redis.call('HDEL', KEYS[1], field)
      else
        local before = redis.call('HGET', KEYS[1], field)
        local number = before and string.find(before, '^[-0-9]') and tonumber(before) or 0
        redis.call('HSET', KEYS[1], field, string.format('%.17g', number + tonumber(value)))
      end
    end
    state[revision] = string.format('%d', state[revision] + 1)
    if ARGV[4] ~= '' then state[dataVersion] = ARGV[4] end
    save(KEYS[1], state)
    return {'ok', redis.call('HGETALL', KEYS[1])}`),

  /** Key: session. Arguments: last seen at, idle limit, authenticated at. */
  touchSession: script(`
    local state = living(KEYS[1], ARGV[1])
    if not state then return 0 end
    for i, word in ipairs({lastSeenAt, idleExpiresAt, authenticatedAt}) do
      if tonumber(ARGV[i]) > tonumber(state[word]) then state[word] = ARGV[i] end
    end
    save(KEYS[1], state)
    return 1`),

  /** Keys: session, index. Arguments: id, now, presented hash, next hash, sealed next, grace. */
  rotateSession: script(`
    local id, now, presented, nextHash, sealedNext, grace = unpack(ARGV)
    local state = living(KEYS[1], now)
    if not state then return {'gone'} end
    if presented == state[secretHash] then
      state[secretHash], state[previousSecretHash] = nextHash, presented
      state[sealedSecret], state[rotatedAt] = sealedNext, now
      save(KEYS[1], state)
      return {'rotated', redis.call('HGETALL', KEYS[1])}
    end
    local absorbed = presented == state[previousSecretHash] and state[sealedSecret]
    if absorbed and tonumber(now) < state[rotatedAt] + grace then
      return {'absorbed', redis.call('HGETALL', KEYS[1])}
    end
    local who = redis.call('HGET', KEYS[1], 'who')
    finish(KEYS[1], KEYS[2], id, 'reuse', now)
    return {'reuse', who}`),

  /**
   * Keys: session, index. Arguments: id, now, reason. Ends also what has expired by that clock: a
   * touch may be under way that is judged by an earlier one. Answers whether anything ended, and
   * whether it was living.
   */
  revokeSession: script(`
    if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[1], 'ended') == 1 then
      return {0, 0}
    end
    local wasLiving = living(KEYS[1], ARGV[2]) and 1 or 0
    finish(KEYS[1], KEYS[2], ARGV[1], ARGV[3], ARGV[2])
    return {1, wasLiving}`),

  /** Key: index. Arguments: key prefix, user, now, reason, id that is spared or ''. As above. */
  revokeSessions: script(`
    local keyPrefix, user, now, reason, except = unpack(ARGV)
    local count = 0
    for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
      local key = keyPrefix .. id
      if id ~= except and isOf(key, user) then
        if living(key, now) then count = count + 1 end
        finish(key, KEYS[1], id, reason, now)
      end
    end
    trim(KEYS[1], keyPrefix, -1)
    return count`),

  /** Key: index. Arguments: key prefix, user, now. Answers id and record of each, oldest first. */
  listSessions: script(`
    local found = {}
    for _, one in ipairs(livingOf(KEYS[1], ARGV[1], ARGV[2], ARGV[3])) do
      found[#found + 1] = {one.id, redis.call('HGETALL', one.key)}
    end
    return found`),
};
