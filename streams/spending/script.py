"""The ledger as one Redis script: `ledger.py` in Lua, one atomic step for all scopes, by the server's clock.

Its state is `script_sums.py`'s.
"""

from typing import Final

from streams.limits.script_server import SERVER_LUA
from streams.spending.answers import GRACE, PROVIDER, TOKENS
from streams.spending.ledger import ALERT_LEVELS, GRACE_US, MAX_HOLD_US, OPEN_S, SETTLING_US
from streams.spending.limits import MAX_SCHOOLS, OTHER_SCHOOLS, TENANT
from streams.spending.script_sums import SUMS_LUA

_RETAINED_DAYS: Final = 400

SPENDING_OPS_LUA = """
local function limits_of(scope)
  local limits = req.limits[scope == '' and 'all' or is_tenant(scope) and 'tenant' or 'school']
  return {limits.day, limits.week, limits.month, tokens = limits.tokens}
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

-- How limits of a scope are called.
local function whose(scope) return scope == '' and '' or is_tenant(scope) and 'tenant ' or 'school ' end

-- What a call is paid from: all's, the school's and, where there are tenants, the tenant's.
local function payers(school) return {'', school, req.tenant} end

local function full_field(scope, i) return 'f' .. LETTERS[i] .. scope end

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
    refuse({limit = whose(scope) .. TOKENS, never = never,
      wait = never and 0 or room(scope, limits.tokens - req.tokens)})
  end
  local patience = math.min(grace - now, GRACE_US)
  if patience > 0 and req.nano > 0 and (limits[1] or limits[2] or limits[3]) then
    refuse({limit = (is_tenant(scope) and 'tenant ' or '') .. GRACE, wait = patience})
  end
  for i = 1, 3 do
    local limit, sum = limits[i], load_sum(scope, i)
    local known = unknown[i] ~= current[i]
    local fits = known and limit and sum.nano + req.nano <= limit
    if limit and req.nano > 0 and known and not fits and sum.nano - open_nano(scope) + req.nano <= limit then
      refuse({limit = whose(scope) .. 'usd/' .. PERIODS[i], wait = SETTLING_US})
    elseif limit and req.nano > 0 and not fits then
      if sum.level < 100 and known and req.nano <= limit then
        sum.level = 100
        save_sum(scope, i, sum)
        cross(scope, i, 100)
      end
      if (scope == '' or is_tenant(scope)) and known and req.nano <= limit then
        redis.call('HSET', key, full_field(scope, i), int(current[i]))
      end
      refuse({limit = whose(scope) .. 'usd/' .. PERIODS[i], money = true,
        unknown = not known, never = req.nano > limit, wait = end_of(i, sum.number) - now})
    end
  end
end

local function count(day_key, field, by)
  local counted = redis.pcall('HINCRBY', day_key, field, int(by))
  if type(counted) ~= 'number' then redis.call('HSET', day_key, field, int(math.max(by, 0))) end
end

local function record(rows, day)
  local day_key = days_key .. int(day)
  local kind = redis.call('TYPE', day_key).ok
  if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', day_key) end
  for _, row in ipairs(rows or {}) do
    for name, by in pairs(row.add) do
      if by ~= 0 then
        count(day_key, table.concat({row.model, req.scope, name}, '\\31'), by)
      end
    end
  end
  redis.call('EXPIRE', day_key, KEPT_S)
end

local ops = {}

function ops.reserve()
  local scope = scope_of(req.school)
  local wait = math.min(held - now, MAX_HOLD)
  if wait > 0 then refused = {limit = HOLD, wait = wait} end
  for _, each in ipairs(payers(scope)) do refusals(each) end
  if refused then
    reply.refused = {limit = refused.limit, wait = int(refused.wait), money = refused.money or false,
      unknown = refused.unknown or false, never = refused.never or false}
    return
  end
  for _, each in ipairs(payers(scope)) do
    redis.call('HDEL', key, full_field(each, 1), full_field(each, 2), full_field(each, 3))
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
  for _, each in ipairs(payers(req.scope)) do
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

local function is_full(scope)
  local full = redis.call('HMGET', key, full_field(scope, 1), full_field(scope, 2), full_field(scope, 3))
  for i = 1, 3 do full[i] = full[i] == int(current[i]) end
  return full
end

reply.generation = generation
reply.now = int(now)
reply.sums, reply.tenants_full = {[''] = shown('')}, {}
if req.scope then reply.sums[req.scope] = shown(req.scope) end
local function show_tenant(scope)
  reply.sums[scope] = shown(scope)
  reply.tenants_full[scope] = is_full(scope)
end
for _, scope in ipairs(req.tenants or {req.tenant}) do show_tenant(scope) end
local _, used = load_slots('t:', 60)
reply.tokens = int(used)
reply.unknown, reply.full = {}, is_full('')
for i = 1, 3 do reply.unknown[i] = unknown[i] == current[i] end
reply.crossed = crossed
return cjson.encode(reply)
"""

SPENDING_LUA = (
    f"local MAX_HOLD, HOLD, TOKENS = {MAX_HOLD_US}, '{PROVIDER}', '{TOKENS}'\n"
    f"local GRACE_US, GRACE, OPEN_S, SETTLING_US = {GRACE_US}, '{GRACE}', {OPEN_S}, {SETTLING_US}\n"
    f"local MAX_SCHOOLS, OTHERS, TENANT = {MAX_SCHOOLS}, '{OTHER_SCHOOLS}', '\\{ord(TENANT)}'\n"
    f"local LEVELS, KEPT_S = {{{', '.join(map(str, ALERT_LEVELS))}}}, {_RETAINED_DAYS * 86_400}\n"
    + SERVER_LUA
    + SUMS_LUA
    + SPENDING_OPS_LUA
)
