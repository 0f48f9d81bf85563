/**
 * Lays pod templates over one another as the operator does: queue, flow, deployment, the later wins. Objects merge field by
 * field, lists of named things by name, other lists by appending; what Kubernetes calls a union is replaced whole. Pure.
 */

type Json = Record<string, unknown>

const MERGED_BY: Record<string, string> = { containers: 'name' }
const REPLACED_BY: Record<string, string> = { env: 'name', volumes: 'name', volumeMounts: 'mountPath', imagePullSecrets: 'name' }
const ATOMIC = new Set(['affinity'])

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

export function mergeTemplates(templates: readonly (object | null | undefined)[]): Json {
  return templates.reduce<Json>((merged, template) => (template == null ? merged : mergeObjects(merged, withoutNothing(template) as Json)), {})
}

/** The API answers with defaults filled in; what says nothing must not be laid over what does. */
function withoutNothing(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNothing)
  if (!isObject(value)) return value
  const kept = Object.entries(value)
    .map(([key, each]) => [key, withoutNothing(each)] as const)
    .filter(([, each]) => each !== null && each !== undefined && !(Array.isArray(each) && each.length === 0) && !(isObject(each) && Object.keys(each).length === 0))
  return Object.fromEntries(kept)
}

function mergeObjects(base: Json, patch: Json): Json {
  const merged = { ...base }
  for (const [key, value] of Object.entries(patch)) {
    const before = merged[key]
    if (isObject(value) && isObject(before) && !ATOMIC.has(key)) merged[key] = mergeObjects(before, value)
    else if (Array.isArray(value) && Array.isArray(before)) merged[key] = mergeLists(key, before as unknown[], value as unknown[])
    else merged[key] = value
  }
  return merged
}

function mergeLists(field: string, base: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const key = MERGED_BY[field] ?? REPLACED_BY[field]
  if (key === undefined) {
    const known = new Set(base.map((item) => JSON.stringify(item)))
    return [...base, ...patch.filter((item) => !known.has(JSON.stringify(item)))]
  }
  const merged = new Map(base.map((item) => [keyOf(item, key), item]))
  for (const item of patch) {
    const name = keyOf(item, key)
    const before = merged.get(name)
    merged.set(name, field in MERGED_BY && isObject(before) && isObject(item) ? mergeObjects(before, item) : item)
  }
  return [...merged.values()]
}

const keyOf = (item: unknown, key: string) => (isObject(item) ? item[key] : item)
