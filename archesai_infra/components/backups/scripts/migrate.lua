-- Hands every key of every database over to another server; ARGV: host, port, user (may be empty), password.
local copied = 0
for database in string.gmatch(redis.call('INFO', 'keyspace'), 'db(%d+):') do
  redis.call('SELECT', database)
  local cursor = '0'
  repeat
    local page = redis.call('SCAN', cursor, 'COUNT', 500)
    cursor = page[1]
    for _, key in ipairs(page[2]) do
      local call = {'MIGRATE', ARGV[1], ARGV[2], key, database, 60000, 'COPY', 'REPLACE'}
      if ARGV[3] ~= '' then
        call[#call + 1] = 'AUTH2'
        call[#call + 1] = ARGV[3]
        call[#call + 1] = ARGV[4]
      elseif ARGV[4] ~= '' then
        call[#call + 1] = 'AUTH'
        call[#call + 1] = ARGV[4]
      end
      redis.call(unpack(call))
      copied = copied + 1
    end
  until cursor == '0'
end
return copied
