"""The ledger as one Redis script: `ledger.py` in Lua, one atomic step for all buckets of a name.

One hash holds a limit, so it lives in one cluster slot:

    t:<bucket>     tat_us                          r         last reservation
    o:<id>         floors_us, one a bucket          hold      held until (us)
                                                   rate, at  rate (‰) when it was last halved, and when

Numbers are integers below 2^53, which Lua's doubles hold exactly; they are divided by `ceil_div` only, since
`a / b` rounds. Argument: one JSON object (`op`, `buckets`, `now` if the clock is injected, and what the op
takes). The script reads the server's clock otherwise, so workers' clocks play no part.

A missing hash or bucket starts empty. The hash expires after idling for longer than its longest window and
debt: what it then forgets had been refilled, and starting empty again gives less, never more.
"""

from streams.limits.bucket import FULL_RATE_PERMILLE
from streams.limits.ledger import HOLD, MAX_OPEN, MIN_RATE_PERMILLE, RESTORE_US

LEDGER_LUA = (
    f"local FULL, MIN_RATE, RESTORE_US, MAX_OPEN, HOLD = "
    f"{FULL_RATE_PERMILLE}, {MIN_RATE_PERMILLE}, {RESTORE_US}, {MAX_OPEN}, '{HOLD}'"
    """
local key, req = KEYS[1], cjson.decode(ARGV[1])
local buckets = req.buckets
local now = req.now
if not now then
  local clock = redis.call('TIME')
  now = clock[1] * 1000000 + clock[2]
end

local function int(x) return string.format('%.0f', x) end

local function ceil_div(a, b)
  local rest = math.fmod(a, b)
  if rest > 0 then return (a - rest) / b + 1 end
  return (a - rest) / b
end

local tats, open, ids = {}, {}, {}
local last, held, rate, slowed_at = now, 0, FULL, now

local raw = redis.call('HGETALL', key)
local stored = {}
for i = 1, #raw, 2 do stored[raw[i]] = raw[i + 1] end
last = tonumber(stored['r'] or now)
held = tonumber(stored['hold'] or 0)
rate = tonumber(stored['rate'] or FULL)
slowed_at = tonumber(stored['at'] or now)
for i, bucket in ipairs(buckets) do
  tats[i] = tonumber(stored['t:' .. bucket.name] or now + bucket.tolerance)
end
for field, value in pairs(stored) do
  local id = string.match(field, '^o:(%d+)$')
  if id then
    local marks = {}
    for mark in string.gmatch(value, '%d+') do marks[#marks + 1] = tonumber(mark) end
    -- Marks of another set of buckets mean nothing here: their reservation stays spent.
    if #marks == #buckets then
      open[tonumber(id)] = marks
      ids[#ids + 1] = tonumber(id)
    end
  end
end
table.sort(ids)

local function current_rate()
  return math.min(FULL, rate + math.max(0, math.floor((now - slowed_at) * FULL / RESTORE_US)))
end

local function push(state, charges)
  for i, charge in ipairs(charges) do
    if charge > 0 then state[i] = math.max(state[i], now) + charge end
  end
end

local ops = {}

function ops.reserve()
  local permille = current_rate()
  local slowest, wait = HOLD, math.max(0, held - now)
  local charges = {}
  for i, bucket in ipairs(buckets) do
    local cost = req.charges[i]
    charges[i] = ceil_div(cost * FULL, permille)
    local short = math.max(tats[i], now) + cost - bucket.tolerance - now
    if cost > 0 and short > wait then slowest, wait = bucket.name, short end
  end
  if wait > 0 then return {0, slowest, wait} end
  for _, marks in pairs(open) do push(marks, charges) end
  push(tats, charges)
  last = last + 1
  open[last] = {}
  for i = 1, #buckets do open[last][i] = 0 end
  ids[#ids + 1] = last
  if #ids > MAX_OPEN then open[ids[1]] = nil end
  return {1, int(last), permille}
end

function ops.settle()
  local id = tonumber(req.reservation)
  local marks = open[id]
  open[id] = nil
  local owed = {}
  for i, delta in ipairs(req.deltas) do
    owed[i] = math.max(0, delta)
    if delta < 0 and marks then
      tats[i] = math.max(tats[i] + delta, marks[i])
      for other, older in pairs(open) do
        if other < id then older[i] = math.max(older[i] + delta, marks[i]) end
      end
    end
  end
  for _, others in pairs(open) do push(others, owed) end
  push(tats, owed)
  return {}
end

function ops.hold()
  if held <= now then
    rate = math.max(MIN_RATE, math.floor(current_rate() / 2))
    slowed_at = now
  end
  held = math.max(held, now + req.hold)
  return {}
end

function ops.absorb()
  local function absorb(state)
    for i, charge in ipairs(req.charges) do
      state[i] = math.max(state[i] + charge, now + req.floors[i])
    end
  end
  absorb(tats)
  for _, marks in pairs(open) do absorb(marks) end
  return {}
end

function ops.fill()
  for i = 1, #buckets do tats[i] = now end
  open = {}
  return {}
end

local reply = ops[req.op]()

local fields, idle = {}, math.max(0, held - now, RESTORE_US)
local function put(field, value)
  fields[#fields + 1] = field
  fields[#fields + 1] = value
end
put('r', int(last))
put('hold', int(held))
put('rate', int(rate))
put('at', int(slowed_at))
for i, bucket in ipairs(buckets) do
  put('t:' .. bucket.name, int(tats[i]))
  idle = math.max(idle, tats[i] - now, bucket.window)
end
for id, marks in pairs(open) do
  local words = {}
  for i, mark in ipairs(marks) do words[i] = int(mark) end
  put('o:' .. int(id), table.concat(words, ' '))
end
local gone = {}
for field in pairs(stored) do
  local id = string.match(field, '^o:(%d+)$')
  if id and not open[tonumber(id)] then gone[#gone + 1] = field end
end
if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
redis.call('HSET', key, unpack(fields))
redis.call('PEXPIRE', key, int(ceil_div(2 * idle, 1000)))
return reply
"""
)
