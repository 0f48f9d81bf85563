/** Addresses with plain query strings: repeated keys are lists, nothing is JSON. Used by the router. */

export type Search = Record<string, string | string[] | undefined>

export function parseSearch(text: string): Search {
  const found: Search = {}
  for (const [key, value] of new URLSearchParams(text)) {
    const before = found[key]
    found[key] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value]
  }
  return found
}

export function stringifySearch(search: Record<string, unknown>): string {
  const parts = new URLSearchParams()
  for (const [key, value] of Object.entries(search)) {
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (typeof item === 'string' && item !== '') parts.append(key, item)
    }
  }
  const text = parts.toString()
  return text === '' ? '' : `?${text}`
}

/** The text of a key; undefined when it is missing. Of a repeated key the last counts. */
export function readText(value: unknown): string | undefined {
  const last: unknown = Array.isArray(value) ? value.at(-1) : value
  return typeof last === 'string' && last !== '' ? last : undefined
}

/** The texts of a key that may repeat; undefined for none, so that an empty filter leaves the address. */
export function readList(value: unknown): string[] | undefined {
  const items = (Array.isArray(value) ? value : [value]) as unknown[]
  const texts = [...new Set(items.filter((item): item is string => typeof item === 'string' && item !== ''))]
  return texts.length > 0 ? texts : undefined
}
