-- What an adapter would push for each callback: one counter of one group.
local n = 0
function request()
  n = n + 1
  local body = ("# TYPE callbacks counter\ncallbacks{event=\"capture\"} %d\n"):format(n)
  return wrk.format("POST", os.getenv("BENCH_PATH"), nil, body)
end

function done(summary, latency)
  io.write(("RESULT %f %f %f %d\n"):format(
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e6,
    latency:percentile(99) / 1e6,
    summary.errors.status + summary.errors.read + summary.errors.connect
      + summary.errors.write + summary.errors.timeout))
end
