-- What wrk says of a run, on one line (bench/load.py).
function done(summary, latency)
  io.write(("RESULT %f %f %f %d\n"):format(
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e6,
    latency:percentile(99) / 1e6,
    summary.errors.status + summary.errors.read + summary.errors.connect
      + summary.errors.write + summary.errors.timeout))
end
