"""The steps of budgets that Redis takes in one piece, by its own clock, in microseconds.

A budget is the time at which it is full again, in decimal digits, and its key ends at that time.
`USED` is the time at which all budgets were all used: the moment at which processes went back to
this Redis, having let through what it does not know of, or at which it was found to have lost
what it knew. 0 is for one that is new.
"""

from typing import Final

_COMMON: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local USED = KEYS[1]

local function number(kept)
  return kept and tonumber(kept)
end

local function set_used(at)
  redis.call('SET', USED, string.format('%.0f', at), 'PX', 86400000)
end
"""

# As profilecore.limits.taken has it, once for each key in turn.
TAKE: Final = (
    _COMMON
    + """
local kept = redis.call('MGET', unpack(KEYS))
local used = number(kept[1])
if not used then
  used = now
  set_used(now)
end
local full, verdicts = {}, {}
for i = 2, #KEYS do
  local key, interval, burst = KEYS[i], tonumber(ARGV[2 * i - 3]), tonumber(ARGV[2 * i - 2])
  local room = interval * burst
  local full_at = full[key] or number(kept[i]) or 0
  full_at = math.min(math.max(full_at, used + room, now), now + room)
  local free = now + room - full_at
  local allowed = free >= interval
  if allowed then
    full_at = full_at + interval
    free = free - interval
    local lives = math.ceil((full_at - now) / 1000)
    redis.call('SET', key, string.format('%.0f', full_at), 'PX', lives)
  end
  full[key] = full_at
  local remaining = math.floor(free / interval)
  verdicts[#verdicts + 1] = allowed and 1 or 0
  verdicts[#verdicts + 1] = remaining
  verdicts[#verdicts + 1] = interval - (free - remaining * interval)
end
return verdicts
"""
)

# ARGV: the process, how long it counts, 1 if it is new and has let through nothing, and until when
# this is of use: what a silent server took in, and comes to later, says nothing of the process.
JOIN: Final = (
    _COMMON
    + """
if now > tonumber(ARGV[4]) then return {redis.call('ZCARD', KEYS[2]), now} end
local life = tonumber(ARGV[2])
if ARGV[3] == '1' then redis.call('SET', USED, '0', 'NX') end
redis.call('PEXPIRE', USED, 86400000)
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - life)
redis.call('ZREMRANGEBYSCORE', KEYS[2], now + life, '+inf')  -- from before the clock was set back
redis.call('PEXPIRE', KEYS[2], math.ceil(life / 1000))
return {redis.call('ZCARD', KEYS[2]), now}
"""
)

# ARGV: since when a process that has joined is at work here, and until when one may join.
REJOIN: Final = (
    _COMMON
    + """
local settle = tonumber(ARGV[2])
local used = number((redis.call('MGET', USED))[1]) or 0
if used > now and used <= now + settle then return used - now end  -- so others were told
if redis.call('ZCOUNT', KEYS[2], now - tonumber(ARGV[1]), '+inf') > 0 then
  set_used(now)
  return 0
end
set_used(now + settle)
return settle
"""
)
