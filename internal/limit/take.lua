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

local function ceil(arrival)
    if arrival.parts > 0 then
        return arrival.us + 1
    end
    return arrival.us
end

local function step(arrival, rate)
    local after = {us = arrival.us + rate.gap, parts = arrival.parts + rate.rest, limit = rate.limit}
    if after.parts >= rate.limit then
        after.us, after.parts = after.us + 1, after.parts - rate.limit
    end
    return after
end

local function see(arrival, rate)
    local seen = {us = arrival.us, parts = arrival.parts, limit = rate.limit}
    if arrival.limit ~= rate.limit and seen.parts > 0 then
        seen.us, seen.parts = seen.us + 1, 0
    end
    if seen.us < now then
        seen.us, seen.parts = now, 0
    elseif seen.us - now > rate.window and ceil(step(seen, rate)) - rate.window - now > rate.longest then
        seen.us, seen.parts = now + rate.window, 0
    end
    return seen
end

local function read(key)
    local text = redis.call('GET', key)
    local us, parts, limit = string.match(text or '', '^(%d+) (%d+) (%d+)$')
    if us == nil or tonumber(parts) >= tonumber(limit) then -- of none that this wrote
        return nil
    end
    return {us = tonumber(us), parts = tonumber(parts), limit = tonumber(limit)}
end

local found, lowered, left, passes, answer = {}, {}, {}, true, {1, now}
for i, key in ipairs(KEYS) do
    local at = 5 * i - 4
    local rate = {window = tonumber(ARGV[at + 1]), limit = tonumber(ARGV[at + 2]), gap = tonumber(ARGV[at + 3]),
        rest = tonumber(ARGV[at + 4]), longest = tonumber(ARGV[at + 5])}
    if left[key] == nil then
        found[key] = read(key)
    end
    local before = {us = now, parts = 0, limit = rate.limit}
    if found[key] ~= nil then
        before = see(found[key], rate)
        if before.us < found[key].us then
            found[key], lowered[key] = before, before
        end
    end
    if left[key] ~= nil then
        before = see(left[key], rate)
    end
    left[key] = step(before, rate)
    passes = passes and ceil(left[key]) - rate.window <= now
    answer[#answer + 1] = before.us
    answer[#answer + 1] = before.parts
end

local keep = left
if not passes then
    answer[1], keep = 0, lowered
end
for key, arrival in pairs(keep) do
    -- A minute longer than it has something to say, for a clock that is set back.
    local ms = math.max(0, math.ceil((arrival.us - now) / 1000)) + 60000
    redis.call('SET', key, string.format('%.0f %.0f %.0f', arrival.us, arrival.parts, arrival.limit), 'PX', string.format('%.0f', ms))
end
return answer
