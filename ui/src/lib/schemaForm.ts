/** Turns a flow's parameter schema (JSON Schema) into form fields, and what was typed back into values. Pure. */

export type FieldKind = 'text' | 'secret' | 'block' | 'texts' | 'integer' | 'number' | 'boolean' | 'choice' | 'date-time' | 'date' | 'json'

export interface Field {
  /** Where its value belongs: `days`, or `headers.accept` within a nested object. */
  name: string
  title: string
  description?: string
  kind: FieldKind
  required: boolean
  nullable: boolean
  choices?: unknown[]
  fallback?: unknown
  multiline?: boolean
  /** Of a field that names another block: the types it takes; none for any. */
  blockTypes?: string[]
}

/** Objects nested deeper than this are edited as JSON. */
const DEEPEST = 3

type Schema = Record<string, unknown>

const isObject = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The fields of a schema of type object, in the order that it gives (`position`, where flows were inspected). Those of nested
 * objects stand among them, with the object's title in front.
 */
export function readFields(schema: unknown): Field[] {
  return isObject(schema) ? fieldsOf(schema, schema, '', '', true) : []
}

function fieldsOf(schema: Schema, root: Schema, prefix: string, titles: string, needed: boolean, depth = 0): Field[] {
  if (!isObject(schema.properties)) return []
  const required = new Set(Array.isArray(schema.required) ? schema.required : [])
  const place = (property: unknown, index: number) => (isObject(property) && typeof property.position === 'number' ? property.position : index)
  return Object.entries(schema.properties)
    .map(([name, property], index) => ({ name, property, at: place(property, index) }))
    .sort((a, b) => a.at - b.at)
    .flatMap(({ name, property }) => {
      const path = prefix + name
      const field = readField(path, property, root, needed && required.has(name))
      if (titles !== '') field.title = `${titles} · ${field.title === path ? name : field.title}`
      const inner = resolve(property, root)
      const opens = depth < DEEPEST && !inner.nullable && isObject(inner.schema.properties) && field.kind === 'json'
      return opens ? fieldsOf(inner.schema, root, `${path}.`, field.title, field.required, depth + 1) : [field]
    })
}

function readField(name: string, given: unknown, root: Schema, required: boolean): Field {
  const { schema, nullable } = resolve(given, root)
  const own = isObject(given) ? given : {}
  return {
    name,
    title: typeof own.title === 'string' ? own.title : name,
    description: textOf(own.description) ?? textOf(schema.description),
    kind: Array.isArray(own[BLOCK_TYPES] ?? schema[BLOCK_TYPES]) ? 'block' : kindOf(schema),
    required,
    nullable,
    choices: choicesOf(schema),
    fallback: own.default ?? schema.default,
    multiline: schema.type === 'string' && typeof schema.maxLength === 'number' && schema.maxLength > 2_000,
    blockTypes: (own[BLOCK_TYPES] ?? schema[BLOCK_TYPES]) as string[] | undefined,
  }
}

const BLOCK_TYPES = 'x-towpath-block-types'
const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

/** Follows references, and takes the one alternative beside null. */
function resolve(given: unknown, root: Schema, depth = 0): { schema: Schema; nullable: boolean } {
  if (!isObject(given) || depth > 8) return { schema: {}, nullable: false }
  if (typeof given.$ref === 'string') {
    const target = given.$ref.split('/').slice(1).reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), root)
    return resolve(target, root, depth + 1)
  }
  const alternatives = given.anyOf ?? given.oneOf ?? (Array.isArray(given.allOf) && given.allOf.length === 1 ? given.allOf : undefined)
  if (Array.isArray(alternatives)) {
    const rest = (alternatives as unknown[]).filter((each) => !(isObject(each) && each.type === 'null'))
    const nullable = rest.length < alternatives.length
    return rest.length === 1 ? { ...resolve(rest[0], root, depth + 1), nullable } : { schema: {}, nullable }
  }
  return { schema: given, nullable: false }
}

function choicesOf(schema: Schema): unknown[] | undefined {
  if (Array.isArray(schema.enum)) return schema.enum as unknown[]
  return 'const' in schema ? [schema.const] : undefined
}

function kindOf(schema: Schema): FieldKind {
  if (choicesOf(schema) !== undefined) return 'choice'
  switch (schema.type) {
    case 'string':
      if (schema.format === 'password') return 'secret'
      return schema.format === 'date-time' || schema.format === 'date' ? schema.format : 'text'
    case 'array':
      return isObject(schema.items) && schema.items.type === 'string' && schema.items.enum === undefined ? 'texts' : 'json'
    case 'integer':
    case 'number':
    case 'boolean':
      return schema.type
    default:
      return 'json'
  }
}

/** A value as its field shows it. */
export function toText(field: Field, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (field.kind === 'json') return JSON.stringify(value, null, 2)
  if (field.kind === 'block') return referenceOf(value) ?? ''
  if (field.kind === 'texts') return Array.isArray(value) ? value.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join('\n') : ''
  if (field.kind === 'date-time' && typeof value === 'string') return localTime(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function localTime(value: string): string {
  const time = new Date(value)
  if (Number.isNaN(time.getTime())) return ''
  const shifted = new Date(time.getTime() - time.getTimezoneOffset() * 60_000)
  return shifted.toISOString().slice(0, 19)
}

export type Parsed = { value: unknown } | { missing: true } | { fault: string }

/** What was typed, as the value to send. An empty field is left out: the deployment's or the flow's own value counts then. */
export function parseText(field: Field, text: string): Parsed {
  const trimmed = text.trim()
  if (trimmed === '') return field.required && field.fallback === undefined ? { fault: 'This one is needed.' } : { missing: true }
  switch (field.kind) {
    case 'integer':
      return /^[+-]?\d+$/.test(trimmed) ? { value: Number(trimmed) } : { fault: 'Give a whole number.' }
    case 'number':
      return Number.isFinite(Number(trimmed)) ? { value: Number(trimmed) } : { fault: 'Give a number.' }
    case 'boolean':
      return { value: trimmed === 'true' }
    case 'choice': {
      const found = field.choices?.find((choice) => toText(field, choice) === text)
      return found === undefined ? { fault: 'Choose one of these.' } : { value: found }
    }
    case 'date-time': {
      const time = new Date(trimmed)
      return Number.isNaN(time.getTime()) ? { fault: 'Give a date and a time.' } : { value: time.toISOString() }
    }
    case 'block':
      return { value: { $ref: { block: trimmed } } }
    case 'texts':
      return { value: trimmed.split('\n').map((each) => each.trim()).filter((each) => each !== '') }
    case 'json':
      try {
        return { value: JSON.parse(trimmed) as unknown }
      } catch (error) {
        return { fault: `This is not JSON: ${error instanceof Error ? error.message : ''}` }
      }
    default:
      return { value: text }
  }
}

/** Every field's value, or what is wrong with each. */
export function parseForm(fields: readonly Field[], texts: Readonly<Record<string, string>>): { values: Record<string, unknown>; faults: Record<string, string> } {
  const values: Record<string, unknown> = {}
  const faults: Record<string, string> = {}
  for (const field of fields) {
    const parsed = parseText(field, texts[field.name] ?? '')
    if ('fault' in parsed) faults[field.name] = parsed.fault
    else if ('value' in parsed) put(values, field.name.split('.'), parsed.value)
  }
  return { values, faults }
}

function put(into: Record<string, unknown>, [first = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    into[first] = value
    return
  }
  const before = Object.hasOwn(into, first) ? into[first] : undefined
  const inner = isObject(before) ? before : {}
  into[first] = inner
  put(inner, rest, value)
}

/** The `type/name` of a value that names another block; undefined for a block that is written out in place. */
export function referenceOf(value: unknown): string | undefined {
  const reference = isObject(value) && isObject(value.$ref) ? value.$ref.block : undefined
  return typeof reference === 'string' ? reference : undefined
}

/** What stands at a field's place in `values`. */
export function valueAt(values: unknown, name: string): unknown {
  if (isObject(values) && Object.hasOwn(values, name)) return values[name]
  return name.split('.').reduce<unknown>((at, key) => (isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined), values)
}

/** A JSON object; an empty one for a blank text, undefined for anything else. */
export function readObject(text: string): Record<string, unknown> | undefined {
  if (text.trim() === '') return {}
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
