"""The sums in Redis: how the script reads and writes them, and when they begin another generation.

One hash holds the sums, one a day what was spent on which model and school, so that people can look it up:

    d:<scope> w:<scope> m:<scope>   number nano_usd base level generation
    t:<scope>   o:<scope>           second:tokens … of the last minute, second:nano_usd … reserved; a tenant's scope
                                    begins with a tab
    generation, run                 this generation, and the server's run that it was begun in
    grace                           until when (us) nobody may spend, so that all vouch
    ud, uw, um                      the day, week and month that are unknown  hold        held until (us)
    fd, fw, fm                      those that refused the last reservation    schools     how many scopes there are
    fd<scope> fw<scope> fm<scope>   the same of a tenant

Another `run_id` is a server that was restarted, and may have lost the last sums: it begins another generation, as an
empty hash does, and one with a sum that is none: what it was is lost. Whoever names a former generation is told to
vouch first. Numbers are integers below 2^53.
"""

SUMS_LUA = """
local days_key, now, second = KEYS[2], server, math.floor(server / 1000000)
local PERIODS = {'day', 'week', 'month'}
local LETTERS = {'d', 'w', 'm'}

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

local kind = redis.call('TYPE', key).ok
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', key) end

local function read_sum(raw)
  local number, nano, base, level, of = string.match(raw or '', '^(%d+) (%d+) (%d+) (%d+) (%S+)$')
  if not number or math.max(tonumber(number), tonumber(nano), tonumber(base)) >= 2 ^ 53 then return nil end
  return {number = tonumber(number), nano = tonumber(nano), base = tonumber(base), level = tonumber(level), of = of}
end

local function forget_unreadable(scope)
  local forgotten = false
  for i = 1, 3 do
    local raw = redis.call('HGET', key, LETTERS[i] .. ':' .. scope)
    if raw and not read_sum(raw) then
      redis.call('HDEL', key, LETTERS[i] .. ':' .. scope)
      forgotten = true
    end
  end
  return forgotten
end

local meta = redis.call('HMGET', key, 'generation', 'run', 'hold', 'ud', 'uw', 'um', 'grace')
local generation, begun_in, held = meta[1], meta[2], tonumber(meta[3] or 0) or 0
local unknown = {tonumber(meta[4] or -1) or -1, tonumber(meta[5] or -1) or -1, tonumber(meta[6] or -1) or -1}
local grace = tonumber(meta[7] or 0) or 0

local forgotten = false
for _, scope in ipairs({'', req.scope or req.school or req.tenant, req.tenant}) do
  if forget_unreadable(scope) then forgotten = true end
end
if not generation or forgotten then
  generation = req.nonce
  unknown = current
  grace = now + GRACE_US
  redis.call('HSET', key, 'generation', generation, 'run', run, 'grace', int(grace),
    'ud', int(current[1]), 'uw', int(current[2]), 'um', int(current[3]))
  local most = req.limits and req.limits.all.tokens
  if most then redis.call('HSET', key, 't:', int(second) .. ':' .. int(most)) end
elseif begun_in ~= run then
  generation = req.nonce
  grace = now + GRACE_US
  redis.call('HSET', key, 'generation', generation, 'run', run, 'grace', int(grace))
end
redis.call('EXPIRE', key, KEPT_S)
if req.generation and req.generation ~= generation and req.op ~= 'vouch' then
  return cjson.encode({vouch = generation})
end

local function load_sum(scope, i)
  local sum = read_sum(redis.call('HGET', key, LETTERS[i] .. ':' .. scope))
  if not sum or sum.number < current[i] then
    sum = {number = current[i], nano = 0, base = 0, level = 0}
  elseif sum.of ~= generation then
    sum.base = sum.nano
  end
  if sum.number > current[i] + 1 then sum.number = current[i] end
  return sum
end

local function is_tenant(scope) return string.sub(scope, 1, 1) == TENANT end

local function save_sum(scope, i, sum)
  if i == 3 and scope ~= '' and not is_tenant(scope) and redis.call('HEXISTS', key, 'm:' .. scope) == 0 then
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

local function scope_of(school)
  if redis.call('HEXISTS', key, 'm:' .. school) == 1 then return school end
  return (tonumber(redis.call('HGET', key, 'schools') or 0) or MAX_SCHOOLS) < MAX_SCHOOLS and school or OTHERS
end
"""
