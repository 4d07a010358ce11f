"""How a script in Redis begins: its key, what is asked, the server's time in µs, the run of the server that answers.

`run` is empty where the server does not say. Both are the request's, `now` and `run`, where tests inject them.
"""

SERVER_LUA = """
local key, req = KEYS[1], cjson.decode(ARGV[1])
local server = req.now
if not server then
  local clock = redis.call('TIME')
  server = clock[1] * 1000000 + clock[2]
end
local run = req.run
if not run then
  local about = redis.pcall('INFO', 'server')
  run = type(about) == 'string' and string.match(about, 'run_id:(%x+)') or ''
end

local function int(x) return string.format('%.0f', x) end
"""
