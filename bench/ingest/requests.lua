-- wrk -s requests.lua URL -- FILE: sends the requests in FILE, which end in a
-- NUL each, one after the other, and prints what came of it as one line of JSON.

local requests, next_one = {}, 0

function init(args)
    local file = assert(io.open(args[1], "rb"))
    for request in file:read("*a"):gmatch("(%Z+)%z") do
        requests[#requests + 1] = request
    end
    file:close()
end

function request()
    next_one = next_one % #requests + 1
    return requests[next_one]
end

function done(summary, latency)
    local errors = summary.errors
    print(string.format(
        '{"requests":%d,"seconds":%.6f,"p50_us":%d,"p99_us":%d,' ..
        '"not_ok":%d,"broken":%d}',
        summary.requests, summary.duration / 1e6, latency:percentile(50),
        latency:percentile(99), errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
