-- What an adapter would push for each callback: one counter of one group.
require("done")
local n = 0
function request()
  n = n + 1
  local body = ("# TYPE callbacks counter\ncallbacks{event=\"capture\"} %d\n"):format(n)
  return wrk.format("POST", os.getenv("BENCH_PATH"), nil, body)
end
