-- The same sales as bench/k6/earn.ts, for wrk: five lines, a member drawn at random, a reference of its own.
-- wrk -t1 -c64 -d10s -s bench/wrk/earn.lua URL -- KEY RUN MEMBERS

local categories = { 'coffee', 'bakery', 'grocery', 'household', 'coffee' }
local baskets = {}
local key, run, members
local count = 0

local function basket(seed)
  local lines = {}
  for index, category in ipairs(categories) do
    local cents = 150 + (seed * 37 + (index - 1) * 211) % 1200
    lines[index] = string.format(
      '{"lineId":"%d","sku":"sku-%d","category":"%s","quantity":%d,"net":{"amount":"%.2f","currency":"EUR"},"tax":{"amount":"%.2f","currency":"EUR"}}',
      index, (seed * 5 + index - 1) % 800, category, 1 + (seed + index - 1) % 3, cents / 100, cents * 7 / 10000)
  end
  return '[' .. table.concat(lines, ',') .. ']'
end

function init(args)
  key, run, members = args[1], args[2], tonumber(args[3])
  math.randomseed(os.time())
  for seed = 0, 255 do baskets[seed] = basket(seed) end
  wrk.headers['content-type'] = 'application/json'
  wrk.headers['authorization'] = 'Bearer ' .. key
end

function request()
  count = count + 1
  local body = string.format(
    '{"externalRef":"%s-%d","type":"purchase","identifier":{"kind":"card","value":"card-%d"},"occurredAt":"%s","location":"store-7","channel":"store","lines":%s}',
    run, count, math.random(0, members - 1), os.date('!%Y-%m-%dT%H:%M:%SZ'), baskets[math.random(0, 255)])
  return wrk.format('POST', '/v1/transactions', nil, body)
end

function done(summary, latency)
  local refused = summary.errors.status
  io.write(string.format(
    '\n{"answered":%d,"refused":%d,"perSecond":%.3f,"p50":%.3f,"p99":%.3f,"slowest":%.3f}\n',
    summary.requests - refused, refused + summary.errors.timeout,
    (summary.requests - refused) / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
