// What is asked of the log of endings in Redis, one Lua script each, and the keys under one hash
// tag. A member is `s:` and a session's id, or `u:` and a user's. Each has the time until when it
// matters, and the version at which it was written last; a user's has a value besides, the epoch
// and the session that is spared. An epoch is Redis's time in milliseconds, pushed forward where
// that would not make it grow: it grows even when Redis has forgotten the one before.

import { type CommandParser, defineScript } from '@redis/client';

const prefix = 'sessionlab:endings:{log}';
const keys = ['until', 'version', 'users', 'head', 'mark', 'origin'].map(
  (name) => `${prefix}:${name}`,
);

export const channelIn = (database: number) => `${prefix}:${database}`;

/** How much longer than it matters a member is kept, for servers whose clocks are behind. */
const sweepSlackMs = 60_000;
const sweptPerEnding = 4;

/**
 * Every question writes a mark: so no replica answers it, WAIT has something to wait for, and as
 * deleting comes first, a Redis without memory to spare still takes endings.
 */
const prelude = `
local untils, versions, users, head = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
redis.call('DEL', KEYS[5])
redis.call('SET', KEYS[5], '', 'PX', 1000)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function sweep()
  local dead = redis.call('ZRANGEBYSCORE', untils, '-inf', now - ${sweepSlackMs},
    'LIMIT', 0, ${sweptPerEnding})
  for _, member in ipairs(dead) do
    redis.call('ZREM', untils, member)
    redis.call('ZREM', versions, member)
    redis.call('HDEL', users, member)
  end
end
local function keep(channel, member, till, value)
  sweep()
  redis.call('ZADD', untils, 'GT', till, member)
  redis.call('ZADD', versions, redis.call('INCR', head), member)
  if value ~= '' then redis.call('HSET', users, member, value) end
  redis.call('PUBLISH', channel, cjson.encode({member, till, value}))
end
local function epochOf(member)
  local value = redis.call('HGET', users, member)
  return value and cjson.decode(value).epoch or 0
end
local function entries(members)
  local found = {}
  for _, member in ipairs(members) do
    local till = redis.call('ZSCORE', untils, member)
    if till then
      found[#found + 1] = {member, till, redis.call('HGET', users, member) or ''}
    end
  end
  return found
end
`;

function script(body: string) {
  return defineScript({
    SCRIPT: prelude + body,
    parseCommand(parser: CommandParser, args: readonly (string | number)[]) {
      parser.pushKeysLength(keys);
      parser.push(...args.map(String));
    },
    transformReply: undefined as unknown as () => unknown,
  });
}

export const scripts = {
  /** Channel, member, until. */
  endSession: script(`keep(ARGV[1], ARGV[2], ARGV[3], '')`),

  /**
   * Channel, member, until, session that is spared or '', and its epoch. Answers the epoch, or 0
   * when that session has ended itself.
   */
  endUser: script(`
    local epoch = math.max(now, epochOf(ARGV[2]) + 1)
    local except = ARGV[4] ~= '' and ARGV[4] or nil
    local till = redis.call('ZSCORE', untils, ARGV[2])
    if except and till and tonumber(till) > now then
      local last = cjson.decode(redis.call('HGET', users, ARGV[2]))
      if tonumber(ARGV[5]) < last.epoch and except ~= last.except then return 0 end
    end
    keep(ARGV[1], ARGV[2], ARGV[3], cjson.encode({epoch = epoch, except = except}))
    return epoch`),

  /** Channel, then member, until and value of each: what a server holds and the log has lost. */
  giveBack: script(`
    for i = 2, #ARGV, 3 do
      local member, till, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
      local isNew = value ~= '' and cjson.decode(value).epoch > epochOf(member)
      if value == '' or isNew then keep(ARGV[1], member, till, value) end
    end`),

  /** Members. Answers those that are there. */
  find: script(`return entries(ARGV)`),

  /**
   * Version, count at most. Answers which log it is (another one when all was lost), the latest
   * version, the last one here, and what is after.
   */
  since: script(`
    local page = redis.call('ZRANGEBYSCORE', versions, '(' .. ARGV[1], '+inf',
      'LIMIT', 0, ARGV[2])
    local last = #page > 0 and redis.call('ZSCORE', versions, page[#page]) or ARGV[1]
    redis.call('SET', KEYS[6], string.format('%.0f', now), 'NX')
    local latest = tonumber(redis.call('GET', head) or 0)
    return {redis.call('GET', KEYS[6]), latest, tonumber(last), entries(page)}`),
};
