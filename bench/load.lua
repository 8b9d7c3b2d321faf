-- Distinct, signed packets for wrk; what kind comes from the environment (bench/load.py).
require("done")
local kind, run = os.getenv("BENCH_KIND"), os.getenv("BENCH_RUN")
local t, sign = os.getenv("BENCH_T"), os.getenv("BENCH_SIGN")
local path = os.getenv("BENCH_PATH")
local headers = { ["Content-Type"] = "application/json" }
if os.getenv("BENCH_CLOSE") == "1" then headers["Connection"] = "close" end

local capture = '{"event_type":200,"app":"live%d.bench.example","appname":"stage",'
  .. '"stream_id":"camera-%d","channel_id":"camera-%d","create_time":%d,"file_size":7520,'
  .. '"width":640,"height":352,"pic_url":"/bench/%s-%d.jpg",'
  .. '"pic_full_url":"http://pic.bench.example/bench/%s-%d.jpg",'
  .. '"stream_param":"txSecret=0123456789abcdef0123456789abcdef&txTime=69560000",'
  .. '"t":%s,"sign":"%s"}'
local push = '{"event_type":1,"appid":1300000007,"app":"live%d.bench.example",'
  .. '"appname":"stage","stream_id":"%s-%d","channel_id":"camera","event_time":%d,'
  .. '"sequence":"%s%010d","node":"192.0.2.1","user_ip":"192.0.2.44",'
  .. '"stream_param":"txSecret=0123456789abcdef0123456789abcdef&txTime=69560000",'
  .. '"errcode":0,"errmsg":"ok","set_id":2,"idc_id":34,"width":1280,"height":720,'
  .. '"t":%s,"sign":"%s"}'

local n, at = 0, tonumber(t) - 600
function request()
  n = n + 1
  local body
  if kind == "push" then
    body = push:format(n % 5, run, n, at, run, n, t, sign)
  else
    body = capture:format(n % 5, n % 500, n % 500, at, run, n, run, n, t, sign)
  end
  return wrk.format("POST", path, headers, body)
end
