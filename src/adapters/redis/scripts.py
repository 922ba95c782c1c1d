"""The steps that Redis takes in one piece.

The state is a string `epoch:position`, the position in 20 digits, so that texts compare as their
numbers do (Lua's numbers are exact to 2^53 only). An entry is `epoch:version:deadline:copy`;
without a copy it is a tombstone, and with `-` in its place an absence. Each is a floor for as long
as its key lives, past its deadline. What has another epoch than the state is not there.
"""

from typing import Final

_COMMON: Final = """
local function text(key, last)
  local kept = redis.pcall('GETRANGE', key, 0, last)
  if type(kept) == 'string' then return kept end
  if string.find(kept.err, 'WRONGTYPE', 1, true) then return '' end  -- what it holds is garbage
  error(kept.err)
end

local function state()
  return string.match(text(KEYS[1], 63), '^(%x+):(%d+)$')
end

local function head(epoch, key)
  local of, version, copy = string.match(text(key, 95), '^(%x+):(%d+):%d+:(.?)')
  if of == epoch then return tonumber(version), copy ~= '' end
  return 0, false
end

local function drop(epoch, key, version, floor_kept)
  local floor, copied = head(epoch, key)
  if floor > version or (floor == version and copied) then return end
  redis.call('SET', key, string.format('%s:%d:0:', epoch, version), 'PX', floor_kept)
end
"""

PUT: Final = (
    _COMMON
    + """
local epoch = state()
if epoch ~= ARGV[5] then return end
local version = tonumber(ARGV[1])
if version < head(epoch, KEYS[2]) then return end
local entry = string.format('%s:%d:%s:', epoch, version, ARGV[2]) .. ARGV[3]
redis.call('SET', KEYS[2], entry, 'PX', ARGV[4])
"""
)

DROP: Final = (
    _COMMON
    + """
local epoch = state()
if epoch then drop(epoch, KEYS[2], tonumber(ARGV[1]), ARGV[2]) end
"""
)

APPLY: Final = (
    _COMMON
    + """
local epoch, position = state()
if not epoch then return false end
local after, last = ARGV[1], ARGV[2]
if position >= last or position < after then return position end
for i = 2, #KEYS do
  drop(epoch, KEYS[i], tonumber(ARGV[i + 2]), ARGV[3])
end
redis.call('SET', KEYS[1], epoch .. ':' .. last)
return last
"""
)

BEGIN: Final = (
    _COMMON
    + """
local _, position = state()
if (position or '') == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2] .. ':' .. ARGV[3]) end
"""
)
