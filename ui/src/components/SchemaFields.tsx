/** The fields of a form that a JSON schema describes: parameters of a run, a pause's input, a block's configuration. */
import { ActionIcon, Checkbox, Select, TagsInput, Textarea, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Eye, EyeOff } from 'lucide-react'
import { useState } from 'react'

import type { ApiError } from '../api/client'
import { blockPages } from '../api/declared'
import { type Field, toText } from '../lib/schemaForm'
import { useNamespace } from './namespaces'

interface Props {
  field: Field
  text: string
  fault?: string
  onChange: (text: string) => void
  /** Of a secret that is kept already: what to do with it if nothing is typed. */
  kept?: { removed: boolean; onRemove: (removed: boolean) => void }
}

const MONO = { input: { fontFamily: 'var(--mono)', fontSize: 13 } }

export function FieldInput({ field, text, fault, onChange, kept }: Props) {
  const shared = {
    label: field.title,
    description: field.description,
    error: fault,
    withAsterisk: field.required && field.fallback === undefined && kept === undefined,
    placeholder: field.fallback === undefined ? undefined : toText(field, field.fallback),
  }
  switch (field.kind) {
    case 'choice':
    case 'boolean': {
      const choices = field.kind === 'boolean' ? [true, false] : (field.choices ?? [])
      return <Select {...shared} data={choices.map((choice) => toText(field, choice))} value={text === '' ? null : text} onChange={(value) => onChange(value ?? '')} clearable />
    }
    case 'secret':
      return (
        <div>
          <SecretInput {...shared} placeholder={kept === undefined ? undefined : kept.removed ? 'Will be removed' : 'Kept. Type to replace it.'} text={text} disabled={kept?.removed} onChange={onChange} />
          {kept !== undefined && <Checkbox mt={6} size="xs" label="Remove it" checked={kept.removed} onChange={(event) => kept.onRemove(event.currentTarget.checked)} />}
        </div>
      )
    case 'block':
      return <BlockInput {...shared} types={field.blockTypes ?? []} text={text} onChange={onChange} />
    case 'texts':
      return <TagsInput {...shared} placeholder={shared.placeholder ?? 'Type one and press Enter'} value={text === '' ? [] : text.split('\n')} onChange={(all) => onChange(all.join('\n'))} splitChars={['\n']} acceptValueOnBlur />
    case 'json':
      return <Textarea {...shared} autosize minRows={field.name === '' ? 5 : 2} maxRows={16} value={text} onChange={(event) => onChange(event.currentTarget.value)} styles={MONO} />
    default:
      return <LineInput field={field} shared={shared} text={text} onChange={onChange} />
  }
}

interface SecretProps {
  label: string
  placeholder?: string
  disabled?: boolean
  text: string
  onChange: (text: string) => void
}

/** A secret of one line or many, as keys have: a password field would drop the ends of its lines. */
function SecretInput({ text, onChange, ...shared }: SecretProps) {
  const [shown, setShown] = useState(false)
  const Icon = shown ? EyeOff : Eye
  return (
    <Textarea
      {...shared}
      autosize
      minRows={1}
      maxRows={8}
      autoComplete="off"
      spellCheck={false}
      value={text}
      onChange={(event) => onChange(event.currentTarget.value)}
      styles={{ input: { WebkitTextSecurity: shown ? 'none' : 'disc' } }}
      rightSection={
        <ActionIcon variant="subtle" color="gray" onClick={() => setShown(!shown)} aria-label={`${shown ? 'Hide' : 'Show'} what is typed as ${shared.label}`}>
          <Icon size={16} />
        </ActionIcon>
      }
    />
  )
}

function LineInput({ field, shared, text, onChange }: { field: Field; shared: object; text: string; onChange: (text: string) => void }) {
  if (field.multiline === true) {
    return <Textarea {...shared} autosize minRows={2} maxRows={16} value={text} onChange={(event) => onChange(event.currentTarget.value)} />
  }
  const types = { 'date-time': 'datetime-local', date: 'date' } as const
  return (
    <TextInput
      {...shared}
      type={field.kind === 'date-time' || field.kind === 'date' ? types[field.kind] : 'text'}
      step={field.kind === 'date-time' ? 1 : undefined}
      inputMode={field.kind === 'integer' ? 'numeric' : field.kind === 'number' ? 'decimal' : undefined}
      value={text}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}

function BlockInput({ types, text, onChange, ...shared }: { types: readonly string[]; text: string; onChange: (text: string) => void; label: string; error?: string }) {
  const blocks = useInfiniteQuery(blockPages(useNamespace()))
  const fitting = blocks.data?.pages.flatMap((page) => page.items).filter((each) => types.length === 0 || types.includes(each.spec.type)) ?? []
  const names = [...new Set([...fitting.map((each) => `${each.spec.type}/${each.name}`), ...(text === '' ? [] : [text])])]
  return <Select {...shared} data={names} value={text === '' ? null : text} onChange={(value) => onChange(value ?? '')} clearable searchable nothingFoundMessage="No block that fits" />
}

/** The API's faults by field: `parameters.days` belongs to the field `days`, `parameters.auth.user` to `auth.user`. */
export function faultsOf(error: ApiError, fields: readonly Field[], within = 'parameters'): Record<string, string> {
  const names = new Set(fields.map((field) => field.name))
  const faults: Record<string, string> = {}
  for (const { field, message } of error.errors) {
    const place = field.replace(/^body\./, '').replace(new RegExp(`^${within.replaceAll('.', '\\.')}\\.?`), '')
    const parts = place.split('.')
    // A fault deep within a value that is edited as JSON belongs to its field.
    while (parts.length > 1 && !names.has(parts.join('.'))) parts.pop()
    faults[parts.join('.')] = message
  }
  return faults
}
