-- For wrk: requests for the hosts of a table in turn, `HOSTS` of them, `STEP` apart: `-- HOSTS STEP`.
local requests = {}
local at = 0

function init(arguments)
  local hosts, step = tonumber(arguments[1]), tonumber(arguments[2])
  for i = 0, hosts - 1 do
    requests[i] = wrk.format("GET", nil, { Host = "service-" .. (i * step) .. ".bench" })
  end
end

function request()
  local chosen = requests[at]
  at = (at + 1) % (#requests + 1)
  return chosen
end
