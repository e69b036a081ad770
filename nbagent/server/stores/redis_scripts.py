"""Scripts in Lua that Redis runs for `RedisEvents`, each in one step."""

BEGIN = """
local id, agent, session, owner, created, prompt, job, most = unpack(ARGV)
local P, run = 'nbagent:', 'nbagent:run:' .. id
if redis.call('EXISTS', run) == 1 then return '' end
if session ~= '' then
  for _, other in ipairs(redis.call('SMEMBERS', P .. 'open:' .. session)) do
    local its = redis.call('HGET', P .. 'run:' .. other, 'owner')
    if not its then redis.call('SREM', P .. 'open:' .. session, other)
    elseif its ~= owner or owner == '' then return other end
  end
end
if job ~= '' then
  if redis.call('XLEN', P .. 'work:' .. agent) >= tonumber(most) then return 'full' end
  redis.call('XADD', P .. 'work:' .. agent, '*', 'run', id, 'job', job)
end
local place = ''
if session ~= '' then
  redis.call('PERSIST', P .. 'session:' .. session)
  place = redis.call('XADD', P .. 'session:' .. session, '*', 'run', id)
  redis.call('SADD', P .. 'open:' .. session, id)
end
redis.call('HSET', run, 'agent', agent, 'session', session, 'owner', owner, 'created', created)
redis.call('HSET', run, 'prompt', prompt, 'ended', '0', 'last', '0', 'place', place)
redis.call('ZADD', P .. 'going-on', created, id)
redis.call('XADD', P .. 'changes', 'MAXLEN', '1', '*', 'run', id)
if owner ~= '' then
  redis.call('SADD', P .. 'owned:' .. owner, id)
  redis.call('SADD', P .. 'owners', owner)
end
return ''
"""
"""Adds a run.

Returns the id of another process's run in the session, or 'full'; else ''. Asked again, it adds
nothing.
"""

APPEND = """
local id, ended, keep, listed = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local P, run, events = 'nbagent:', 'nbagent:run:' .. id, 'nbagent:events:' .. id
local its = redis.call('HMGET', run, 'owner', 'session', 'ended', 'last', 'created')
if not its[1] then return -1 end
if its[3] == '1' then
  local last = redis.call('XRANGE', events, ARGV[#ARGV - 1] .. '-0', ARGV[#ARGV - 1] .. '-0')[1]
  return last and last[2][2] == ARGV[#ARGV] and 1 or 0
end
local stored = tonumber(its[4])
for n = 5, #ARGV, 2 do
  if tonumber(ARGV[n]) > stored then
    redis.call('XADD', events, ARGV[n] .. '-0', 'data', ARGV[n + 1])
  end
end
redis.call('HSET', run, 'last', math.max(stored, tonumber(ARGV[#ARGV - 1])), 'ended', ended)
if ended == '1' then
  redis.call('SREM', P .. 'owned:' .. its[1], id)
  redis.call('ZREM', P .. 'going-on', id)
  redis.call('ZADD', P .. 'ended', its[5], id)
  redis.call('ZREMRANGEBYRANK', P .. 'ended', 0, -listed - 1)
  redis.call('XADD', P .. 'changes', 'MAXLEN', '1', '*', 'run', id)
  if its[2] ~= '' then redis.call('SREM', P .. 'open:' .. its[2], id) end
  if keep > 0 then
    redis.call('EXPIRE', run, keep)
    redis.call('EXPIRE', events, keep)
    if its[2] ~= '' then redis.call('EXPIRE', P .. 'session:' .. its[2], keep) end
  end
end
return 1
"""
"""Adds events, and leaves out those that are stored.

Returns -1 if there is no such run, 0 if it has another end.
"""

TAKE = """
local agent, entry, id, owner = unpack(ARGV)
local P, run = 'nbagent:', 'nbagent:run:' .. id
redis.call('XACK', P .. 'work:' .. agent, 'servers', entry)
local deleted = redis.call('XDEL', P .. 'work:' .. agent, entry)
local its = redis.call('HMGET', run, 'owner', 'ended')
if its[1] == owner and deleted == 0 then return 1 end
if its[1] ~= '' or its[2] == '1' then return 0 end
redis.call('HSET', run, 'owner', owner)
redis.call('SADD', P .. 'owned:' .. owner, id)
redis.call('SADD', P .. 'owners', owner)
return 1
"""
"""Makes a process the owner of a run that waits.

Returns 0 if the run has an owner, or has ended. Asked again, when the reply was lost and the entry
is gone, it returns 1.
"""

DROP = """
local agent, entry = unpack(ARGV)
redis.call('XACK', 'nbagent:work:' .. agent, 'servers', entry)
redis.call('XDEL', 'nbagent:work:' .. agent, entry)
"""
"""Deletes an entry that is no run that waits."""

GIVE_BACK = """
local agent, entry, id, job = unpack(ARGV)
local work = 'nbagent:work:' .. agent
if redis.call('XDEL', work, entry) == 1 then
  redis.call('XADD', work, '*', 'run', id, 'job', job)
end
redis.call('XACK', work, 'servers', entry)
"""
"""Lets a run wait again."""

LIST = """
local lists = {}
for n, name in ipairs({'going-on', 'ended'}) do
  lists[n] = {}
  for _, id in ipairs(redis.call('ZREVRANGE', 'nbagent:' .. name, 0, ARGV[n] - 1)) do
    table.insert(lists[n], {id, redis.call('HGETALL', 'nbagent:run:' .. id)})
  end
end
return lists
"""
"""Returns the newest runs that go on, then the newest that have ended: the id and the fields of
each.
"""
