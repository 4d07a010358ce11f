"""The ledger as one Redis script: `ledger.py` in Lua, one atomic step for all buckets of a name.

Its state is `script_state.py`'s. Argument: one JSON object, made by `redis.py`:

    op, buckets            what to do, and by which limits
    born, seen, then       the caller's copy: which life of the state, newest grant, time of the state
    since, elapsed         how old the copy is by the caller's clock: at the least, at the most (µs)
    known                  all of that copy, sent where it was asked for
    away                   grants by the caller alone while it could not reach Redis
    partitions, of         those that the caller has had all the while, of how many
    now, run               the server's clock and run id, injected by tests

Answer: {2} where the copy is needed; else {1 or 0, what the op says, the state, for the caller's next copy}.
"""

from streams.limits.bucket import FULL_RATE_PERMILLE, PACED
from streams.limits.ledger import HOLD, MAX_HOLD_S, MIN_RATE_PERMILLE, RESTORE_US
from streams.limits.script_losses import LOSSES_LUA
from streams.limits.script_server import SERVER_LUA
from streams.limits.script_state import STATE_LUA

OPS_LUA = """
local function rate_now()
  return math.min(FULL, slowed + math.max(0, math.floor((now - slowed_at) * FULL / RESTORE_US)))
end

local function room_wait(log, most, cost, counted)
  local over = units_of(log) + cost - most
  if over <= 0 then return 0 end
  for _, entry in ipairs(log) do
    over = over - entry[2]
    if over <= 0 then return entry[1] + counted + 1 - now end
  end
  return counted
end

local function spread_wait(log, limit, cost, counted)
  local newest, steps, gap = log[#log][1], limit - units_of(log) + cost, 0
  for _, entry in ipairs(log) do
    if steps > 0 then
      gap = math.max(gap, ceil_div((entry[1] + counted + 1 - newest) * cost, steps))
    end
    steps = steps + entry[2]
  end
  return math.max(0, newest + gap - now)
end

local function wait_of(i, cost, charge, permille)
  local bucket, log = buckets[i], logs[i]
  if cost == 0 then return 0 end
  local wait = math.max(0, math.max(tats[i], now) + charge - bucket.window - now)
  if #log == 0 then return wait end
  local pace, back = bucket.pace, PACED
  if permille < FULL then pace, back = ceil_div(charge * FULL, permille), 1 end
  if pace > 0 and #log >= back then wait = math.max(wait, log[#log - back + 1][1] + pace - now) end
  wait = math.max(wait, room_wait(log, bucket.limit, cost, bucket.counted))
  if bucket.at_once < bucket.limit then
    local spread = spread_wait(log, bucket.limit, cost, bucket.counted)
    if cost <= bucket.at_once then
      spread = math.min(spread, room_wait(log, bucket.at_once, cost, bucket.counted))
    end
    wait = math.max(wait, spread)
  end
  return wait
end

local ops = {}

function ops.sync() return 1, 0, 0 end

function ops.reserve()
  local permille = rate_now()
  local slowest, wait = HOLD, math.max(0, held - now)
  for i, bucket in ipairs(buckets) do
    local short = wait_of(i, req.costs[i], req.charges[i], permille)
    if short > wait then slowest, wait = bucket.name, short end
  end
  if wait > 0 then return 0, slowest, wait end
  local at = next_time()
  for i, cost in ipairs(req.costs) do take(i, cost, req.charges[i], at) end
  return 1, at, 0
end

function ops.settle()
  for i, back in ipairs(req.back) do
    -- Only of the life that it was granted in: another's times may be those of other grants.
    if back > 0 and req.granted_in == born then refund(i, req.reservation, back, req.charges_back[i]) end
  end
  local at
  for i, owed in ipairs(req.owed) do
    if owed > 0 then
      at = at or next_time()
      take(i, owed, req.charges_owed[i], at)
    end
  end
  return 1, 0, 0
end

function ops.hold()
  if held <= now then
    slowed = math.max(MIN_RATE, math.floor(rate_now() / 2))
    slowed_at = now
  end
  held = math.max(held, now + req.hold)
  return 1, 0, 0
end

function ops.fill()
  for i = 1, #buckets do
    if unknown[i] > 0 then set_unknown(i, 0) end
    tats[i] = now
  end
  return 1, 0, 0
end

local status, first, second = ops[req.op]()
store()
return {status, first, second, born, last, now, held, slowed, slowed_at, tats, packed_logs}
"""

LEDGER_LUA = (
    f"local FULL, MIN_RATE, RESTORE_US, PACED, HOLD, MAX_HOLD = "
    f"{FULL_RATE_PERMILLE}, {MIN_RATE_PERMILLE}, {RESTORE_US}, {PACED}, '{HOLD}', {round(MAX_HOLD_S * 1e6)}\n"
    + SERVER_LUA
    + STATE_LUA
    + LOSSES_LUA
    + OPS_LUA
)
