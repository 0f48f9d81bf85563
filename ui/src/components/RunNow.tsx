/** Starts a run of a deployment: a form made from the flow's parameter schema, or JSON where there is none. */
import { Button, Group, Modal, Stack, TagsInput, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Play } from 'lucide-react'
import { type FormEvent, useMemo, useState } from 'react'

import { ApiError } from '../api/client'
import { flowQuery } from '../api/declared'
import { flowRunKeys, startFlowRun } from '../api/flowRuns'
import type { Deployment } from '../api/types'
import { type Field, parseForm, readFields, toText, valueAt } from '../lib/schemaForm'
import { tell } from './cancelling'
import { RowsSkeleton } from './Notices'
import { faultsOf, FieldInput } from './SchemaFields'

interface Props {
  deployment: Deployment
  /** What the fields begin with; the deployment's own parameters if left out. */
  parameters?: Record<string, unknown>
  onClose: () => void
}

const WHOLE: Field = { name: '', title: 'Parameters', kind: 'json', required: false, nullable: false }

export function RunNow(props: Props) {
  const flow = useQuery(flowQuery(props.deployment.flow_id))
  return (
    <Modal opened onClose={props.onClose} title={<strong>Run {props.deployment.full_name}</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      {flow.isPending ? <RowsSkeleton rows={4} /> : <Form {...props} schema={flow.data?.spec?.parameterSchema} />}
    </Modal>
  )
}

function Form({ deployment, parameters, onClose, schema }: Props & { schema: unknown }) {
  const fields = useMemo(() => readFields(schema), [schema])
  const given = parameters ?? deployment.spec.parameters
  const shown = fields.length > 0 ? fields : schema == null ? [WHOLE] : []
  const [texts, setTexts] = useState<Record<string, string>>(() =>
    Object.fromEntries(
      shown.map((field) => [field.name, field === WHOLE ? (Object.keys(given).length > 0 ? toText(WHOLE, given) : '') : toText(field, valueAt(given, field.name))]),
    ),
  )
  const [faults, setFaults] = useState<Record<string, string>>({})
  const [name, setName] = useState('')
  const [tags, setTags] = useState<string[]>([])
  const [at, setAt] = useState('')
  const [key] = useState(() => crypto.randomUUID())
  const queries = useQueryClient()
  const navigate = useNavigate()
  const start = useMutation({
    mutationFn: (values: Record<string, unknown>) =>
      startFlowRun(deployment.id, {
        parameters: values,
        idempotency_key: key, // pressing twice, or again after a lost answer, starts one run
        ...(name.trim() !== '' && { name: name.trim() }),
        ...(tags.length > 0 && { tags }),
        ...(at !== '' && { scheduled_time: new Date(at).toISOString() }),
      }),
    onSuccess: (run) => {
      queries.setQueryData(flowRunKeys.one(run.id), run)
      tell(at === '' ? `${run.name} was started.` : `${run.name} is scheduled.`)
      onClose()
      void navigate({ to: '/flow-runs/$id', params: { id: run.id } })
    },
    onError: (error) => setFaults(error instanceof ApiError ? faultsOf(error, shown) : {}),
  })

  function submit(event: FormEvent) {
    event.preventDefault()
    const parsed = parseForm(shown, texts)
    const whole = parsed.values['']
    if (shown[0] === WHOLE && whole !== undefined && (typeof whole !== 'object' || whole === null || Array.isArray(whole))) {
      parsed.faults[''] = 'Give an object: {"name": value, ...}.'
    }
    setFaults(parsed.faults)
    if (Object.keys(parsed.faults).length > 0) return
    start.mutate(shown[0] === WHOLE ? ((whole ?? {}) as Record<string, unknown>) : parsed.values)
  }

  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        {shown.map((field) => (
          <FieldInput
            key={field.name}
            field={field}
            text={texts[field.name] ?? ''}
            fault={faults[field.name]}
            onChange={(text) => setTexts((before) => ({ ...before, [field.name]: text }))}
          />
        ))}
        {shown.length === 0 && (
          <Text size="sm" c="dimmed">
            This flow takes no parameters.
          </Text>
        )}
        <Group grow align="flex-start">
          <TextInput label="Name" placeholder="Two words, chosen for you" value={name} onChange={(event) => setName(event.currentTarget.value)} maxLength={500} />
          <TextInput label="Start at" type="datetime-local" step={1} value={at} onChange={(event) => setAt(event.currentTarget.value)} description={at === '' ? undefined : 'In your time zone.'} />
        </Group>
        <TagsInput label="Tags" placeholder="Beside the deployment’s own" value={tags} onChange={setTags} maxTags={200} />
        {start.isError && (
          <Text size="sm" role="alert" style={{ color: 'var(--state-failed-text)', overflowWrap: 'anywhere' }}>
            {start.error.message}
          </Text>
        )}
        <Group justify="flex-end" gap={8}>
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
          <Button type="submit" leftSection={<Play size={15} />} loading={start.isPending}>
            {at === '' ? 'Run now' : 'Schedule'}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
