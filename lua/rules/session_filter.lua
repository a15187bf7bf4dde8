-- Only within trading hours: signals outside of them, or on other weekdays, are refused.
rule{
  name="Session filter", api=1,
  about="Accepts signals only between two times of day, by a zone's clock, on the weekdays given. A session may pass midnight.",
  settings={
    zone={default="Europe/London", form="zone", about="IANA name of the clock: America/New_York, Asia/Tokyo, UTC"},
    from={default="08:00", form="time", about="First minute of the session"},
    to={default="16:30", form="time", about="First minute after it; the same as from: all day"},
    days={default="1234567", about="Weekdays on which a session may begin, 1 is Monday"},
  },
}

local function minutes(text, name)
  local h, m = string.match(text, "^(%d%d?):(%d%d)$")
  h, m = math.tointeger(tonumber(h or -1)), math.tointeger(tonumber(m or -1))
  if h < 0 or h > 24 or m < 0 or m > 59 or (h == 24 and m > 0) then error("setting " .. name .. " must be a time of day such as 08:30") end
  return 60 * h + m
end

function on_signal(s, env)
  local set = env.settings
  local from, to = minutes(set.from, "from"), minutes(set.to, "to")
  local now = local_time(env.now_ms, set.zone)
  local day, inside = now.weekday
  if from < to then
    inside = now.minute_of_day >= from and now.minute_of_day < to
  elseif from == to then
    inside = true
  else
    inside = now.minute_of_day >= from or now.minute_of_day < to
    if now.minute_of_day < to then day = day == 1 and 7 or day - 1 end -- the session began the day before
  end
  if not inside then
    return false, string.format("outside of the session %s to %s %s: it is %02d:%02d there", set.from, set.to, set.zone, now.hour, now.minute)
  end
  if not string.find(set.days, tostring(day), 1, true) then return false, "no session begins on weekday " .. day end
  return true
end
