"""What the limits' script does about grants that Redis does not know of: lost with its state, or made without it.

A *life* of the state (`script_state.py`) ends when grants may have been lost with it: the key is gone, the server has
another run id, or a worker knows a later grant. Then each bucket gets an entry for what is *unknown*: what can have
been granted since the state, or the best copy that a worker brings, was complete. Each worker brings all that it has
seen, once a life. When the workers of all partitions have, nobody is left who could know of more: the entry goes.

Workers that come back after they spent their shares alone bring what they granted. If nobody reached Redis for longer
than a share is silent at first, the others' shares count as spent until their workers have come back, too.
"""

LOSSES_LUA = """
local function tell()
  for _, partition in ipairs(req.partitions) do told[int(partition)] = true end
  local count = 0
  for _ in pairs(told) do count = count + 1 end
  return math.max(0, req.of - count)
end

-- The most that bucket i can have granted within `gap`: no other of its unit that is charged the same has granted more.
local function most_in(i, gap)
  local most = buckets[i].limit
  for _, other in ipairs(buckets) do
    if other.unit == buckets[i].unit and (other.whose == '' or other.whose == buckets[i].whose) then
      most = math.min(most, other.limit * (math.floor(math.max(0, gap) / other.window) + 1))
    end
  end
  return most
end

-- What bucket i can have granted within `gap` before this life began, beside what is known of that time.
local function doubt(i, gap)
  local spent = 0
  for _, entry in ipairs(logs[i]) do
    if entry[1] <= born and entry[1] + buckets[i].counted >= born and entry[1] ~= unknown[i] then
      spent = spent + entry[2]
    end
  end
  return math.max(0, math.min(most_in(i, gap), buckets[i].limit - spent))
end

local function charge_of(i, units) return ceil_div(units * buckets[i].window, buckets[i].limit) end

-- Count at most `units` as spent by who knows whom: from now on, or less than so far.
local function set_unknown(i, units)
  if unknown[i] == 0 then
    unknown[i] = next_time()
    take(i, units, charge_of(i, units), unknown[i])
    return
  end
  for _, entry in ipairs(logs[i]) do
    if entry[1] == unknown[i] then
      if entry[2] > units then refund(i, unknown[i], entry[2] - units, charge_of(i, entry[2] - units)) end
      return
    end
  end
end

-- What was unknown before stays spent.
local function forget_unknown()
  for i = 1, #buckets do unknown[i] = 0 end
  told = {}
end

local torn = not absent and run ~= '' and (stored.run or '') ~= run
local rewound = not absent and req.born == born and req.seen > last
local stranger = req.born ~= 0 and (absent or torn or rewound or req.born ~= born)
if stranger and not req.known then return {2} end

if absent or torn or rewound then
  if absent then last = 0 end
  born, found_again = math.max(now, born + 1, req.born + 1), 0
  forget_unknown()
  if torn then
    for i = 1, #buckets do set_unknown(i, doubt(i, now - clock)) end
  end
end

if stranger then
  for i, bucket in ipairs(buckets) do
    merge(i, unpacked(req.known.logs[i], LATEST) or {}, false)
    local tat = math.min(req.known.tats[i], now + 2 * bucket.window)
    tats[i] = absent and tat or math.max(tats[i], tat)
  end
  held = math.max(held, math.min(req.known.held, now + MAX_HOLD))
  if absent then slowed, slowed_at = req.known.rate, math.min(req.known.at, now) end
  for i = 1, #buckets do set_unknown(i, doubt(i, born - req['then'])) end
  if tell() == 0 and req.of > 0 then
    for i = 1, #buckets do set_unknown(i, 0) end
  end
end

if req.away then
  local silent, alone = LATEST, now - clock
  for i, bucket in ipairs(buckets) do
    local entries = unpacked(req.away[i], LATEST) or {}
    for _, entry in ipairs(entries) do
      tats[i] = math.min(math.max(tats[i], entry[1]) + charge_of(i, entry[2]), now + 2 * bucket.window)
    end
    merge(i, entries, true)
    silent = math.min(silent, bucket.counted)
  end
  if not stranger then
    -- Nobody spends alone before it has been silent for the shortest window.
    local first = alone > silent
    if first then
      found_again = now
      forget_unknown()
    end
    if first or req['then'] < found_again then
      local missing = tell()
      for i, bucket in ipairs(buckets) do
        local most = req.of > 0 and ceil_div(bucket.limit * missing, req.of) or bucket.limit
        set_unknown(i, first and math.min(most, most_in(i, alone - silent)) or most)
      end
    end
  end
end

for i, bucket in ipairs(buckets) do
  local still_counting = {}
  for _, entry in ipairs(logs[i]) do
    if entry[1] + bucket.counted >= now then still_counting[#still_counting + 1] = entry end
  end
  logs[i] = still_counting
end
"""
