/** A block's form: its fields, what is shown in them, and what is sent. Pure. */
import { type Field, parseForm, readFields, referenceOf, toText, valueAt } from './schemaForm'


/** The type's fields; secret ones are those that the type names, whatever their schema says. */
export function blockFields(schema: unknown, secretFields: readonly string[], config: Record<string, unknown>): Field[] {
  const secret = new Set(secretFields)
  return readFields(schema).map((field) => {
    if (secret.has(field.name) || field.kind === 'secret') return { ...field, kind: 'secret' as const, fallback: undefined }
    const value = valueAt(config, field.name)
    const inPlace = field.kind === 'block' && value != null && referenceOf(value) === undefined
    return inPlace ? { ...field, kind: 'json' as const } : field
  })
}

/** What the fields begin with. Secrets begin empty: what is kept is never shown. */
export function blockTexts(fields: readonly Field[], config: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(fields.map((field) => [field.name, field.kind === 'secret' ? '' : toText(field, valueAt(config, field.name))]))
}

export interface ReadBlock {
  config: Record<string, unknown>
  secrets: Record<string, string | null>
  faults: Record<string, string>
}

/**
 * What was typed, as it is sent: a secret field that was left empty is left out, and so stays as it is.
 *
 * @param kept secret fields that have a value already.
 * @param removed those of them that are to be taken away.
 */
export function readBlock(fields: readonly Field[], texts: Readonly<Record<string, string>>, kept: ReadonlySet<string>, removed: ReadonlySet<string>): ReadBlock {
  const { values: config, faults } = parseForm(fields.filter((field) => field.kind !== 'secret'), texts)
  const secrets: Record<string, string | null> = {}
  for (const field of fields) {
    if (field.kind !== 'secret') continue
    const text = texts[field.name] ?? ''
    const has = kept.has(field.name)
    if (removed.has(field.name) && has) secrets[field.name] = null
    else if (text !== '') secrets[field.name] = text
    else if (field.required && !has) faults[field.name] = 'This one is needed.'
  }
  return { config, secrets, faults }
}
