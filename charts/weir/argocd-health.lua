-- The health of a weir Pipeline in Argo CD; docs/status.md says where to put it. Lua 5.1, no library is needed.
--   Progressing  not looked at yet, running, waiting, being stopped or deleted
--   Healthy      succeeded
--   Degraded     failed, or the spec cannot be run; also while what runs still runs
--   Suspended    nothing runs, and spec.suspend holds the rest back

local status = obj.status or {}

local function condition(name)
  for _, one in ipairs(status.conditions or {}) do
    if one.type == name then
      return one
    end
  end
  return {}
end

local function first(...)
  for _, text in ipairs({...}) do
    if text ~= "" then
      return text
    end
  end
  return ""
end

local function health(name, message)
  return {status = name, message = message}
end

local said = status.message or ""
local stalled = condition("Stalled")
local succeeded = condition("Succeeded")

if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", "being deleted: what runs is being stopped")
end
if status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "waits for the operator to look at this spec")
end
if stalled.status == "True" then
  return health("Degraded", first(said, stalled.message or "", stalled.reason or ""))
end
if status.phase == "Succeeded" then
  return health("Healthy", succeeded.message or "")
end
if status.phase == "Failed" or status.phase == "Cancelled" then
  return health("Degraded", first(said, succeeded.message or "", status.phase))
end
if status.phase == "Suspended" then
  return health("Suspended", (status.progress or "") .. " done; spec.suspend holds the rest back")
end

local doing = status.phase or "Pending"
if status.progress ~= nil then
  doing = doing .. ", " .. status.progress .. " done"
end
if status.running ~= nil then
  doing = doing .. "; now " .. status.running
end
return health("Progressing", first(said, doing))
