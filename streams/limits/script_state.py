"""The state of a limit in Redis: how the script reads, mends and writes it.

One hash holds a limit, so it lives in one cluster slot:

    born             when this life of the state began      hold             held until
    last, clock      newest grant; latest time seen         rate, at         rate (‰) when last halved, and when
    offset           added to the server's clock            run              the server's run id
    t:<bucket>       tat                                    l:<bucket>       log: time, units, time, units, ...
    u:<bucket>       time of the entry for the unknown      told             partitions that have told what they spent
    out              when Redis was last found again by workers who had spent without it

All times are µs by one clock: the server's, plus `offset`, which is set so that time goes on where the server's steps
back, steps ahead of what workers measured, or is another server's. Numbers are integers below 2^53, which Lua's
doubles hold exactly; they are divided by `ceil_div` only, since `a / b` rounds.

What makes no sense is bounded; a state that cannot be read is one that was lost
(`script_losses.py`). The hash expires after a week.
"""

STATE_LUA = """
local buckets, LATEST = req.buckets, 4000000000000000

local function ceil_div(a, b)
  local rest = math.fmod(a, b)
  if rest > 0 then return (a - rest) / b + 1 end
  return (a - rest) / b
end

local function whole(text, low, high, default)
  if not text or #text > 16 or not string.match(text, '^%d+$') then return default end
  return math.max(low, math.min(high, tonumber(text)))
end

local function units_of(log)
  local units = 0
  for _, entry in ipairs(log) do units = units + entry[2] end
  return units
end

-- The entries of a log, or nil where there is anything else in it.
local function unpacked(text, latest)
  local log, before = {}, -1
  local _, words = string.gsub(text or '', '%S+', '')
  if words % 2 > 0 or string.match(text or '', '[^%d ]') then return nil end
  for at, units in string.gmatch(text or '', '(%d+) (%d+)') do
    if #at > 16 or #units > 15 or tonumber(at) <= before or tonumber(at) > latest then return nil end
    before = tonumber(at)
    log[#log + 1] = {before, tonumber(units)}
  end
  return log
end

if redis.call('TYPE', key).ok ~= 'hash' then redis.call('DEL', key) end
local stored, raw = {}, redis.call('HGETALL', key)
for i = 1, #raw, 2 do stored[raw[i]] = raw[i + 1] end

local born = whole(stored.born, 1, LATEST, 0)
local offset = tonumber(string.match(stored.offset or '', '^%-?%d+$') or 0)
local clock = whole(stored.clock, 0, LATEST, 0)
local last = whole(stored.last, 0, LATEST, 0)
local absent = born == 0 or math.abs(offset) > LATEST

local now = absent and server or math.max(server + offset, clock)
if req.born ~= 0 then
  -- Time goes on as the caller has measured it, so that what either knows keeps its age.
  local latest = req['then'] + req.elapsed
  now = math.max(now, req['then'] + req.since)
  if now > latest + 2000000 + req.elapsed / 500 then now = latest end
end
offset = now - server
-- A grant of the future is none of ours: the state cannot be trusted.
if last > now + 1000000 then absent = true end

local logs, tats, held, slowed, slowed_at = {}, {}, 0, FULL, now
for i, bucket in ipairs(buckets) do
  local log = not absent and unpacked(stored['l:' .. bucket.name], math.max(last, now))
  if not log and not absent then absent = true end
  logs[i] = log or {}
  tats[i] = whole(stored['t:' .. bucket.name], 0, now + 2 * bucket.window, now + bucket.window)
end
if absent then
  for i, bucket in ipairs(buckets) do logs[i], tats[i] = {}, now + bucket.window end
else
  held = whole(stored.hold, 0, now + MAX_HOLD, 0)
  slowed = whole(stored.rate, MIN_RATE, FULL, FULL)
  slowed_at = whole(stored.at, 0, now, now)
end

local unknown, told, found_again = {}, {}, whole(stored.out, 0, now, 0)
for i, bucket in ipairs(buckets) do unknown[i] = whole(stored['u:' .. bucket.name], 0, LATEST, 0) end
for partition in string.gmatch(stored.told or '', '%d+') do told[partition] = true end

local function next_time()
  last = math.max(now, last + 1)
  return last
end

local function same_slot(bucket, one, other)
  if bucket.slot == 0 then return one == other end
  return one - math.fmod(one, bucket.slot) == other - math.fmod(other, bucket.slot)
end

local function take(i, units, charge, at)
  if units == 0 then return end
  local bucket, log = buckets[i], logs[i]
  tats[i] = math.min(math.max(tats[i], now) + charge, now + 2 * bucket.window)
  if #log > 0 and bucket.slot > 0 and same_slot(bucket, log[#log][1], at) then
    units = units + table.remove(log)[2]
  end
  log[#log + 1] = {at, units}
end

local function refund(i, reservation, back, charge)
  for n, entry in ipairs(logs[i]) do
    if entry[1] >= reservation then
      if same_slot(buckets[i], entry[1], reservation) and entry[2] >= back then
        tats[i] = tats[i] - charge
        entry[2] = entry[2] - back
        if entry[2] == 0 then table.remove(logs[i], n) end
      end
      return
    end
  end
end

-- Entries that were granted elsewhere, in order of time; one that is there already counts once, unless `all` do.
local function merge(i, entries, all)
  local known, log = {}, logs[i]
  for _, entry in ipairs(log) do known[entry[1]] = entry end
  for _, entry in ipairs(entries) do
    local at = entry[1]
    if not known[at] then
      known[at] = {at, entry[2]}
      log[#log + 1] = known[at]
    elseif all then
      known[at][2] = known[at][2] + entry[2]
    else
      known[at][2] = math.max(known[at][2], entry[2])
    end
  end
  table.sort(log, function(one, other) return one[1] < other[1] end)
  if #log > 0 then last = math.max(last, log[#log][1]) end
end

local packed_logs = {}
local function store()
  local fields, words_told = {}, {}
  local function put(field, value)
    fields[#fields + 1] = field
    fields[#fields + 1] = value
  end
  for name, value in pairs({born = born, last = last, clock = now, offset = offset, hold = held, rate = slowed,
    at = slowed_at, out = found_again}) do put(name, int(value)) end
  for partition in pairs(told) do words_told[#words_told + 1] = partition end
  put('told', table.concat(words_told, ' '))
  put('run', run)
  for i, bucket in ipairs(buckets) do
    local words = {}
    for _, entry in ipairs(logs[i]) do
      words[#words + 1] = int(entry[1])
      words[#words + 1] = int(entry[2])
    end
    packed_logs[i] = table.concat(words, ' ')
    put('l:' .. bucket.name, packed_logs[i])
    put('t:' .. bucket.name, int(tats[i]))
    put('u:' .. bucket.name, int(unknown[i]))
  end
  redis.call('HSET', key, unpack(fields))
  redis.call('PEXPIRE', key, 604800000)
end
"""
