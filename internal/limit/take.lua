-- Checks and charges all limits of one call, or none: what shard.go and gcra.go do in memory, in whole microseconds and
-- parts of one. Every number is a whole one below 2^53, which a double holds exactly, and is only added and compared.
--
-- KEYS are the limits. ARGV[1] is the time, or nothing for that of this server. Then come five for each key: the window,
-- the limit, the gap and its parts, and the longest wait. The answer is whether all passed, the time, and for each key
-- the arrival that was found and its parts.
local now
if ARGV[1] == '' then
    local time = redis.call('TIME')
    now = tonumber(time[1] .. string.format('%06d', tonumber(time[2])))
else
    now = tonumber(ARGV[1])
end

-- A limit's gap is added to an arrival.
local function step(us, parts, limit, gap, rest)
    us, parts = us + gap, parts + rest
    if parts >= limit then
        return us + 1, parts - limit
    end
    return us, parts
end

local function ceil(us, parts)
    if parts > 0 then
        return us + 1
    end
    return us
end

local stored = redis.call('MGET', unpack(KEYS))
-- By key: the arrival that is stored, whether a clock that was set back lowers it, and what the call leaves.
local us, parts, limit, lowered, leftUs, leftParts, leftLimit = {}, {}, {}, {}, {}, {}, {}
local passes, answer = true, {1, now}

for i, key in ipairs(KEYS) do
    local at = 5 * i - 4
    local window, most, gap, rest, longest = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])

    local function see(u, p, l)
        if l ~= most and p > 0 then
            u, p = u + 1, 0
        end
        if u < now then
            return now, 0
        end
        if u - now > window and ceil(step(u, p, most, gap, rest)) - window - now > longest then
            return now + window, 0
        end
        return u, p
    end

    if leftUs[key] == nil and stored[i] then
        local u, p, l = string.match(stored[i], '^(%d+) (%d+) (%d+)$')
        if u ~= nil and tonumber(p) < tonumber(l) then -- else of nothing that this wrote
            us[key], parts[key], limit[key] = tonumber(u), tonumber(p), tonumber(l)
        end
    end
    local beforeUs, beforeParts = now, 0
    if us[key] ~= nil then
        beforeUs, beforeParts = see(us[key], parts[key], limit[key])
        if beforeUs < us[key] then
            us[key], parts[key], limit[key], lowered[key] = beforeUs, beforeParts, most, true
        end
    end
    if leftUs[key] ~= nil then
        beforeUs, beforeParts = see(leftUs[key], leftParts[key], leftLimit[key])
    end
    leftUs[key], leftParts[key] = step(beforeUs, beforeParts, most, gap, rest)
    leftLimit[key] = most
    passes = passes and ceil(leftUs[key], leftParts[key]) - window <= now
    answer[2 * i + 1], answer[2 * i + 2] = beforeUs, beforeParts
end

local function keep(key, u, p, l)
    -- A minute longer than it has something to say, for a clock that is set back.
    local ms = math.max(0, math.ceil((u - now) / 1000)) + 60000
    redis.call('SET', key, string.format('%.0f %.0f %.0f', u, p, l), 'PX', ms)
end

if passes then
    for key, u in pairs(leftUs) do
        keep(key, u, leftParts[key], leftLimit[key])
    end
    return answer
end
answer[1] = 0
for key in pairs(lowered) do
    keep(key, us[key], parts[key], limit[key])
end
return answer
