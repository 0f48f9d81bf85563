/** Writes a declared thing as the manifest that declares it. Pure. */

const RESERVED = /^(?:y|n|yes|no|on|off|true|false|null|~|[-+]?[.\d].*|0[xo].*|)$/i
const PLAIN = /^[A-Za-z_/.][\w/.@+-]*(?: [\w/.@+-]+)*$/

/** The resource as YAML, without what has its default or says nothing. */
export function toManifest(kind: string, name: string, namespace: string, spec: object): string {
  const resource = { apiVersion: 'towpath.dev/v1alpha1', kind, metadata: { name, namespace }, spec: withoutEmpty(spec) }
  return `${toYaml(resource)}\n`
}

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyItem)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value)
    .map(([key, each]) => [key, withoutEmpty(each)] as const)
    .filter(([, each]) => each !== null && each !== undefined && !isEmpty(each))
  return Object.fromEntries(kept)
}

/** An item of a list that says something by a key alone, as `cancelRun: {}`, keeps that key. */
function withoutEmptyItem(item: unknown): unknown {
  const kept = withoutEmpty(item)
  if (!isEmpty(kept) || Array.isArray(kept) || typeof item !== 'object' || item === null) return kept
  return Object.fromEntries(Object.entries(item).flatMap(([key, each]) => (typeof each === 'object' && each !== null && !Array.isArray(each) ? [[key, {}]] : [])))
}

const isEmpty = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length === 0

/** JSON values as YAML of the block style. Texts that YAML might read as something else are quoted. */
export function toYaml(value: unknown, indent = 0): string {
  const pad = ' '.repeat(indent)
  if (Array.isArray(value)) {
    if (value.length === 0) return `${pad}[]`
    return value.map((item) => (isNested(item) ? `${pad}- ${toYaml(item, indent + 2).trimStart()}` : `${pad}- ${scalar(item)}`)).join('\n')
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    if (entries.length === 0) return `${pad}{}`
    return entries
      .map(([key, item]) => `${pad}${scalar(key)}:${isNested(item) ? `\n${toYaml(item, indent + 2)}` : ` ${scalar(item)}`}`)
      .join('\n')
  }
  return `${pad}${scalar(value)}`
}

const isNested = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length > 0

function scalar(value: unknown): string {
  if (typeof value === 'string') return PLAIN.test(value) && !RESERVED.test(value) ? value : JSON.stringify(value)
  return JSON.stringify(value)
}
