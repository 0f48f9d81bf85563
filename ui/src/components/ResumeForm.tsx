/** Lets a paused run go on: with a form for the input that it waits for, if it waits for one. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { StepForward } from 'lucide-react'
import { type FormEvent, useMemo, useState } from 'react'

import { ApiError } from '../api/client'
import { flowRunKeys, resumeFlowRun } from '../api/flowRuns'
import type { FlowRun } from '../api/types'
import { type Field, parseForm, readFields, toText } from '../lib/schemaForm'
import { tell } from './cancelling'
import { Markdown } from './Markdown'
import { faultsOf, FieldInput } from './SchemaFields'
import { RelativeTime } from './Times'

const WHOLE: Field = { name: '', title: 'Input', kind: 'json', required: true, nullable: false }

export function ResumeForm({ run, onClose }: { run: FlowRun; onClose: () => void }) {
  const queries = useQueryClient()
  const schema = run.pause?.input_schema
  const fields = useMemo(() => {
    const found = readFields(schema)
    return schema == null || found.length > 0 ? found : [WHOLE]
  }, [schema])
  const [texts, setTexts] = useState<Record<string, string>>(() => Object.fromEntries(fields.map((field) => [field.name, toText(field, field.fallback)])))
  const [faults, setFaults] = useState<Record<string, string>>({})
  const resume = useMutation({
    mutationFn: (input: Record<string, unknown> | undefined) => resumeFlowRun(run.id, input),
    onSuccess: (resumed) => {
      queries.setQueryData(flowRunKeys.one(resumed.id), resumed)
      tell(`${resumed.name} goes on.`)
      onClose()
    },
    onError: (error) => setFaults(error instanceof ApiError ? faultsOf(error, fields, 'run_input') : {}),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (schema == null) return resume.mutate(undefined)
    const { values, faults: found } = parseForm(fields, texts)
    setFaults(found)
    if (Object.keys(found).length > 0) return
    resume.mutate(fields[0] === WHOLE ? (values[''] as Record<string, unknown>) : values)
  }
  return (
    <Modal opened onClose={onClose} title={<strong>Resume {run.name}</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          {run.pause?.description != null && <Markdown text={run.pause.description} />}
          {schema == null && <Text size="sm">It waits for nobody’s input and goes on from where it stands.</Text>}
          {fields.map((field) => (
            <FieldInput key={field.name} field={field} text={texts[field.name] ?? ''} fault={faults[field.name]} onChange={(text) => setTexts((before) => ({ ...before, [field.name]: text }))} />
          ))}
          {run.pause?.until != null && (
            <Text size="sm" c="dimmed">
              Unless it is resumed, it fails <RelativeTime time={run.pause.until} />.
            </Text>
          )}
          {resume.isError && (
            <Text size="sm" role="alert" style={{ color: 'var(--state-failed-text)', overflowWrap: 'anywhere' }}>
              {resume.error.message}
            </Text>
          )}
          <Group justify="flex-end" gap={8}>
            <Button variant="default" onClick={onClose}>
              Close
            </Button>
            <Button type="submit" leftSection={<StepForward size={15} />} loading={resume.isPending}>
              Resume
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
