-- A page of a database's keys as commands that make them elsewhere; ARGV: database, cursor. Returns the next cursor, the
-- number of keys, and the commands in redis' protocol.
redis.call('SELECT', ARGV[1])
local page = redis.call('SCAN', ARGV[2], 'COUNT', 200)
local commands, copied = {}, 0

local function command(...)
  local words = {...}
  commands[#commands + 1] = '*' .. #words .. '\r\n'
  for _, word in ipairs(words) do
    commands[#commands + 1] = '$' .. #word .. '\r\n' .. word .. '\r\n'
  end
end

command('SELECT', ARGV[1])
for _, key in ipairs(page[2]) do
  local content = redis.call('DUMP', key)
  -- A key whose time is over since the scan is no key any more.
  if content then
    command('RESTORE', key, tostring(math.max(redis.call('PTTL', key), 0)), content, 'REPLACE')
    copied = copied + 1
  end
end
return {page[1], copied, table.concat(commands)}
