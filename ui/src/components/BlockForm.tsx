/** Makes or changes a block by its type's schema. Secrets are typed in and never shown: a field left blank keeps what is there. */
import { Text, TextInput } from '@mantine/core'
import { useMemo, useState } from 'react'

import { saveBlock } from '../api/blocks'
import { ApiError } from '../api/client'
import { declaredKeys } from '../api/declared'
import type { Block, BlockType } from '../api/types'
import { blockFields, blockTexts, readBlock } from '../lib/blockForm'
import type { Field } from '../lib/schemaForm'
import { Snippet } from './Copy'
import { useNamespaceForNew } from './namespaces'
import { faultsOf, FieldInput } from './SchemaFields'
import { SmallForm } from './SmallForm'

interface Props {
  type: BlockType
  /** The one to change; a new one if left out. */
  block?: Block
  onClose: () => void
  onSaved: () => void
}

const NO_CONFIG = {}

export function BlockForm({ type, block, onClose, onSaved }: Props) {
  const chosen = useNamespaceForNew()
  const namespace = block?.namespace ?? type.namespace ?? chosen
  const config = block?.spec.config ?? NO_CONFIG
  const fields = useMemo(() => blockFields(type.fields, type.secret_fields, config), [type, config])
  const kept = useMemo(() => new Set(block?.spec.secretRefs.map((ref) => ref.field)), [block])
  const [name, setName] = useState(block?.name ?? '')
  const [texts, setTexts] = useState(() => blockTexts(fields, config))
  const [removed, setRemoved] = useState<ReadonlySet<string>>(new Set())
  const [faults, setFaults] = useState<Record<string, string>>({})
  const send = async () => {
    const read = readBlock(fields, texts, kept, removed)
    setFaults(read.faults)
    if (Object.keys(read.faults).length > 0) throw new Error('Please look at the fields that are marked.')
    try {
      const saved = await saveBlock({ namespace, type: type.slug, name: name.trim(), config: read.config, secrets: read.secrets }, block)
      onSaved()
      return `The block ${type.slug}/${saved.name} is saved.`
    } catch (error) {
      if (error instanceof ApiError) setFaults({ ...faultsOf(error, fields, 'secrets'), ...faultsOf(error, fields, 'spec.config') })
      throw error
    }
  }
  const toggle = (field: Field, wanted: boolean) => {
    const next = new Set(removed)
    if (wanted) next.add(field.name)
    else next.delete(field.name)
    setRemoved(next)
  }
  return (
    <SmallForm title={block === undefined ? `New block: ${type.name}` : `${type.slug}/${block.name}`} button="Save" send={send} changes={declaredKeys.blocks} of={block} onClose={onClose} size="lg">
      {type.description != null && (
        <Text size="sm" c="dimmed" style={{ whiteSpace: 'pre-line' }}>
          {type.description.slice(0, 600)}
        </Text>
      )}
      <TextInput label="Name" description={`Flows load it as ${type.slug}/${name.trim() || 'name'}.`} value={name} onChange={(event) => setName(event.currentTarget.value)} disabled={block !== undefined} required data-autofocus />
      {fields.map((field) => (
        <FieldInput
          key={field.name}
          field={field}
          text={texts[field.name] ?? ''}
          fault={faults[field.name]}
          onChange={(text) => setTexts((before) => ({ ...before, [field.name]: text }))}
          kept={kept.has(field.name) ? { removed: removed.has(field.name), onRemove: (wanted) => toggle(field, wanted) } : undefined}
        />
      ))}
      {type.code_example != null && (
        <details>
          <summary style={{ cursor: 'pointer', fontSize: 14 }}>How flows use it</summary>
          <div style={{ marginTop: 8 }}>
            <Snippet what="example" text={type.code_example} />
          </div>
        </details>
      )}
    </SmallForm>
  )
}
