"""The ledger as one Redis script: `ledger.py` in Lua, one atomic step for all scopes, by the server's clock.

One hash holds the sums, one a day what was spent on which model and school, so that people can look it up:

    d:<scope> w:<scope> m:<scope>   number nano_usd base level generation
    t:<scope>   o:<scope>           second:tokens … of the last minute, second:nano_usd … reserved
    generation, run                 this generation, and the server's run that it was begun in
    grace                           until when (us) nobody may spend, so that all vouch
    ud, uw, um                      the day, week and month that are unknown  hold        held until (us)
    fd, fw, fm                      those that refused the last reservation    schools     how many scopes there are

Another `run_id` is a server that was restarted, and may have lost the last sums: it begins another generation, as an
empty hash does. Whoever names a former generation is told to vouch first. Numbers are integers below 2^53.
"""

from streams.spending.answers import GRACE, PROVIDER, TOKENS
from streams.spending.ledger import ALERT_LEVELS, GRACE_US, MAX_HOLD_US, OPEN_S, SETTLING_US
from streams.spending.limits import MAX_SCHOOLS, OTHER_SCHOOLS

RETAINED_DAYS = 400
SPENDING_LUA = (
    f"local MAX_HOLD, HOLD, TOKENS = {MAX_HOLD_US}, '{PROVIDER}', '{TOKENS}'\n"
    f"local GRACE_US, GRACE, OPEN_S, SETTLING_US = {GRACE_US}, '{GRACE}', {OPEN_S}, {SETTLING_US}\n"
    f"local MAX_SCHOOLS, OTHERS = {MAX_SCHOOLS}, '{OTHER_SCHOOLS}'\n"
    f"local LEVELS, KEPT_S = {{{', '.join(map(str, ALERT_LEVELS))}}}, {RETAINED_DAYS * 86_400}\n"
    """
local key, days_key, req = KEYS[1], KEYS[2], cjson.decode(ARGV[1])
local now = req.now
if not now then
  local clock = redis.call('TIME')
  now = clock[1] * 1000000 + clock[2]
end
local second = math.floor(now / 1000000)
local PERIODS = {'day', 'week', 'month'}
local LETTERS = {'d', 'w', 'm'}

local function int(x) return string.format('%.0f', x) end

-- Days to months: Hinnant, chrono-compatible low-level date algorithms.
local function periods_at(us)
  local days = math.floor(us / 86400000000)
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return {days, math.floor((days + 3) / 7), year * 12 + month - 1}
end
local current = periods_at(now)

local function end_of(i, number)
  local days
  if i == 1 then
    days = number + 1
  elseif i == 2 then
    days = (number + 1) * 7 - 3
  else
    local year, month = math.floor((number + 1) / 12), (number + 1) % 12 + 1
    local y = month <= 2 and year - 1 or year
    local era = math.floor(y / 400)
    local yoe = y - era * 400
    local doy = math.floor((153 * ((month + 9) % 12) + 2) / 5)
    days = era * 146097 + yoe * 365 + math.floor(yoe / 4) - math.floor(yoe / 100) + doy - 719468
  end
  return days * 86400000000
end

local meta = redis.call('HMGET', key, 'generation', 'run', 'hold', 'ud', 'uw', 'um', 'grace')
local generation, run, held = meta[1], meta[2], tonumber(meta[3] or 0) or 0
local unknown = {tonumber(meta[4] or -1) or -1, tonumber(meta[5] or -1) or -1, tonumber(meta[6] or -1) or -1}
local grace = tonumber(meta[7] or 0) or 0
local info = redis.pcall('INFO', 'server')
local this_run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or 'unknown'

if not generation then
  generation = req.nonce
  unknown = current
  grace = now + GRACE_US
  redis.call('HSET', key, 'generation', generation, 'run', this_run, 'grace', int(grace),
    'ud', int(current[1]), 'uw', int(current[2]), 'um', int(current[3]))
  local most = req.limits and req.limits.all.tokens
  if most then redis.call('HSET', key, 't:', int(second) .. ':' .. int(most)) end
elseif run ~= this_run then
  generation = req.nonce
  grace = now + GRACE_US
  redis.call('HSET', key, 'generation', generation, 'run', this_run, 'grace', int(grace))
end
redis.call('EXPIRE', key, KEPT_S)
if req.generation and req.generation ~= generation and req.op ~= 'vouch' then
  return cjson.encode({vouch = generation})
end

local function load_sum(scope, i)
  local raw = redis.call('HGET', key, LETTERS[i] .. ':' .. scope)
  local number, nano, base, level, of = string.match(raw or '', '^(%d+) (%d+) (%d+) (%d+) (%S+)$')
  local sum = {number = tonumber(number or -1), nano = tonumber(nano or 0), base = tonumber(base or 0),
    level = tonumber(level or 0)}
  if sum.number < current[i] then
    sum = {number = current[i], nano = 0, base = 0, level = 0}
  elseif of ~= generation then
    sum.base = sum.nano
  end
  if sum.number > current[i] + 1 then sum.number = current[i] end
  return sum
end

local function save_sum(scope, i, sum)
  if i == 3 and scope ~= '' and redis.call('HEXISTS', key, 'm:' .. scope) == 0 then
    redis.pcall('HINCRBY', key, 'schools', 1)
  end
  redis.call('HSET', key, LETTERS[i] .. ':' .. scope,
    table.concat({int(sum.number), int(sum.nano), int(sum.base), int(sum.level), generation}, ' '))
end

-- Amounts by second, of the last window_s: what lies ahead of a clock that went back was added now.
local function load_slots(field, window_s)
  local slots, total = {}, 0
  for at, amount in string.gmatch(redis.call('HGET', key, field) or '', '(%d+):(%d+)') do
    at, amount = math.min(tonumber(at), second), tonumber(amount)
    if at >= second - window_s then
      slots[at] = (slots[at] or 0) + amount
      total = total + amount
    end
  end
  return slots, total
end

local function add_to_slot(field, window_s, at, amount)
  local slots = load_slots(field, window_s)
  if amount > 0 or slots[at] then
    slots[at] = math.max(0, (slots[at] or 0) + amount)
    local said = {}
    for s, by in pairs(slots) do said[#said + 1] = int(s) .. ':' .. int(by) end
    redis.call('HSET', key, field, table.concat(said, ' '))
  end
end

local function open_nano(scope)
  local _, total = load_slots('o:' .. scope, OPEN_S)
  return total
end

local function limits_of(scope)
  local limits = req.limits[scope == '' and 'all' or 'school']
  return {limits.day, limits.week, limits.month, tokens = limits.tokens}
end

local function scope_of(school)
  if redis.call('HEXISTS', key, 'm:' .. school) == 1 then return school end
  return (tonumber(redis.call('HGET', key, 'schools') or 0) or MAX_SCHOOLS) < MAX_SCHOOLS and school or OTHERS
end

local crossed, reply = {}, {}
local function cross(scope, i, level) crossed[#crossed + 1] = {scope, PERIODS[i], level} end

local function cross_levels(scope)
  local limits, open = limits_of(scope), open_nano(scope)
  for i = 1, 3 do
    local sum, limit = load_sum(scope, i), limits[i]
    if limit then
      local reached = 0
      for _, level in ipairs(LEVELS) do
        if (sum.nano - open) * 100 >= level * limit then reached = level end
      end
      if reached > sum.level then
        sum.level = reached
        save_sum(scope, i, sum)
        cross(scope, i, reached)
      end
    end
  end
end

local function room(scope, most)
  local minute, total = load_slots('t:' .. scope, 60)
  local at = {}
  for s in pairs(minute) do at[#at + 1] = s end
  table.sort(at)
  for _, s in ipairs(at) do
    total = total - minute[s]
    if total <= most then return (s + 61) * 1000000 - now end
  end
  return 0
end

local refused
local function refuse(found)
  local first, second_ = found.never and 1 or 0, refused and refused.never and 1 or 0
  if not refused or first > second_ or (first == second_ and found.wait > refused.wait) then refused = found end
end

local function refusals(scope)
  local limits = limits_of(scope)
  local _, used = load_slots('t:' .. scope, 60)
  if limits.tokens and req.tokens > 0 and used + req.tokens > limits.tokens then
    local never = req.tokens > limits.tokens
    refuse({limit = (scope == '' and '' or 'school ') .. TOKENS, never = never,
      wait = never and 0 or room(scope, limits.tokens - req.tokens)})
  end
  local patience = math.min(grace - now, GRACE_US)
  if patience > 0 and req.nano > 0 and (limits[1] or limits[2] or limits[3]) then
    refuse({limit = GRACE, wait = patience})
  end
  for i = 1, 3 do
    local limit, sum = limits[i], load_sum(scope, i)
    local known = unknown[i] ~= current[i]
    local fits = known and limit and sum.nano + req.nano <= limit
    if limit and req.nano > 0 and known and not fits and sum.nano - open_nano(scope) + req.nano <= limit then
      refuse({limit = (scope == '' and 'usd/' or 'school usd/') .. PERIODS[i], wait = SETTLING_US})
    elseif limit and req.nano > 0 and not fits then
      if sum.level < 100 and known and req.nano <= limit then
        sum.level = 100
        save_sum(scope, i, sum)
        cross(scope, i, 100)
      end
      if scope == '' and known and req.nano <= limit then
        redis.call('HSET', key, 'f' .. LETTERS[i], int(current[i]))
      end
      refuse({limit = (scope == '' and 'usd/' or 'school usd/') .. PERIODS[i], money = true,
        unknown = not known, never = req.nano > limit, wait = end_of(i, sum.number) - now})
    end
  end
end

local function record(rows, day)
  for _, row in ipairs(rows or {}) do
    for name, by in pairs(row.add) do
      if by ~= 0 then
        redis.call('HINCRBY', days_key .. int(day), table.concat({row.model, req.scope, name}, '\\31'), int(by))
      end
    end
  end
  redis.call('EXPIRE', days_key .. int(day), KEPT_S)
end

local ops = {}

function ops.reserve()
  local scope = scope_of(req.school)
  local wait = math.min(held - now, MAX_HOLD)
  if wait > 0 then refused = {limit = HOLD, wait = wait} end
  refusals('')
  refusals(scope)
  if refused then
    reply.refused = {limit = refused.limit, wait = int(refused.wait), money = refused.money or false,
      unknown = refused.unknown or false, never = refused.never or false}
    return
  end
  redis.call('HDEL', key, 'fd', 'fw', 'fm')
  for _, each in ipairs({'', scope}) do
    add_to_slot('t:' .. each, 60, second, req.tokens)
    add_to_slot('o:' .. each, OPEN_S, second, req.nano)
    for i = 1, 3 do
      local sum = load_sum(each, i)
      sum.nano = sum.nano + req.nano
      save_sum(each, i, sum)
    end
    cross_levels(each)
  end
  reply.admitted = {scope, int(second), {int(current[1]), int(current[2]), int(current[3])}}
  req.scope = scope
  record(req.rows, current[1])
end

function ops.settle()
  req.scope = req.scope or scope_of(req.school)
  local taken = req.periods or current
  for _, each in ipairs({'', req.scope}) do
    add_to_slot('t:' .. each, 60, req.tokens < 0 and req.second or second, req.tokens)
    add_to_slot('o:' .. each, OPEN_S, req.second or second, -(req.reserved or 0))
    for i = 1, 3 do
      local sum = load_sum(each, i)
      if req.nano > 0 or sum.number == taken[i] then sum.nano = math.max(0, sum.nano + req.nano) end
      save_sum(each, i, sum)
    end
    cross_levels(each)
  end
  record(req.rows, taken[1])
end

function ops.vouch()
  for scope, seen in pairs(req.sums) do
    for i = 1, 3 do
      if tonumber(seen[i][1]) == current[i] then
        if scope == '' and unknown[i] == current[i] then
          unknown[i] = -1
          redis.call('HDEL', key, 'u' .. LETTERS[i])
        end
        local sum, nano = load_sum(scope, i), tonumber(seen[i][2])
        sum.nano = sum.nano + math.max(0, nano - sum.base)
        sum.base = math.max(sum.base, nano)
        save_sum(scope, i, sum)
      end
    end
  end
end

function ops.begin()
  unknown = {-1, -1, -1}
  grace = 0
  redis.call('HDEL', key, 'ud', 'uw', 'um', 't:', 'grace')
end

function ops.hold()
  held = math.max(held, now + math.min(req.wait, MAX_HOLD))
  redis.call('HSET', key, 'hold', int(held))
end

function ops.look() end

ops[req.op]()

local function shown(scope)
  local sums = {}
  for i = 1, 3 do
    local sum = load_sum(scope, i)
    sums[i] = {int(sum.number), int(sum.nano)}
  end
  return sums
end

reply.generation = generation
reply.now = int(now)
reply.sums = {[''] = shown('')}
for _, scope in ipairs(req.show or {}) do reply.sums[scope] = shown(scope) end
if req.scope then reply.sums[req.scope] = shown(req.scope) end
local _, used = load_slots('t:', 60)
reply.tokens = int(used)
reply.unknown, reply.full = {}, {}
local full = redis.call('HMGET', key, 'fd', 'fw', 'fm')
for i = 1, 3 do
  reply.unknown[i] = unknown[i] == current[i]
  reply.full[i] = full[i] == int(current[i])
end
reply.crossed = crossed
return cjson.encode(reply)
"""
)
