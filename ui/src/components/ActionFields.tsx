/** The fields of one thing that an automation does. */
import { ActionIcon, Autocomplete, MultiSelect, NativeSelect, Text, Textarea, TextInput, Tooltip } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { ArrowUp, Trash2 } from 'lucide-react'

import { blockPages, deploymentPages, namesOf, workQueuePages } from '../api/declared'
import type { ActionKind, ActionTexts } from '../lib/automationForm'
import classes from './AutomationForm.module.css'

const KINDS: readonly { value: ActionKind; label: string }[] = [
  { value: 'notify', label: 'Tell people' },
  { value: 'runDeployment', label: 'Run a deployment' },
  { value: 'pauseWorkQueue', label: 'Pause a work queue' },
  { value: 'pauseDeployment', label: 'Pause a deployment’s schedules' },
  { value: 'cancelRun', label: 'Cancel the run' },
]

interface FieldsProps {
  action: ActionTexts
  namespace: string
  onChange: (changes: Partial<ActionTexts>) => void
}

interface Props extends FieldsProps {
  /** Its place among the others, from 1. */
  place: number
  fault?: string
  /** Left out of the first one. */
  onUp?: () => void
  /** Left out where it is the only one. */
  onRemove?: () => void
}

export function ActionFields({ place, fault, onUp, onRemove, ...fields }: Props) {
  const { action, onChange } = fields
  return (
    <div className={classes.action} role="group" aria-label={`Action ${place}`}>
      <NativeSelect label={`Action ${place}`} data={[...KINDS]} value={action.kind} onChange={(event) => onChange({ kind: event.currentTarget.value as ActionKind })} />
      {onUp !== undefined && (
        <Tooltip label="Do it earlier">
          <ActionIcon variant="subtle" color="gray" size={36} onClick={onUp} aria-label={`Do action ${place} earlier`}>
            <ArrowUp size={16} />
          </ActionIcon>
        </Tooltip>
      )}
      {onRemove !== undefined && (
        <Tooltip label="Remove">
          <ActionIcon variant="subtle" color="gray" size={36} onClick={onRemove} aria-label={`Remove action ${place}`}>
            <Trash2 size={16} />
          </ActionIcon>
        </Tooltip>
      )}
      <div className={classes.whole}>
        <KindFields {...fields} />
        {fault !== undefined && (
          <Text size="sm" role="alert" style={{ color: 'var(--state-failed-text)' }}>
            {fault}
          </Text>
        )}
      </div>
    </div>
  )
}

function KindFields(props: FieldsProps) {
  const { action, onChange } = props
  switch (action.kind) {
    case 'notify':
      return <NotifyFields {...props} />
    case 'runDeployment':
      return <RunFields {...props} />
    case 'pauseWorkQueue':
      return <QueueField {...props} />
    case 'pauseDeployment':
      return <DeploymentField {...props} label="Deployment" placeholder="The run’s own" value={action.paused} onName={(paused) => onChange({ paused })} />
    case 'cancelRun':
      return <TextInput label="Reason" placeholder="That this automation cancelled it" description="Shown with the run’s state." maxLength={1_000} value={action.reason} onChange={(event) => onChange({ reason: event.currentTarget.value })} />
  }
}

function NotifyFields({ action, namespace, onChange }: FieldsProps) {
  const blocks = useInfiniteQuery(blockPages([namespace]))
  const known = namesOf(blocks.data, (each) => `${each.spec.type}/${each.name}`)
  return (
    <>
      <MultiSelect
        label="Tell"
        description="Blocks that reach people."
        data={[...new Set([...known, ...action.channels])]}
        value={action.channels}
        onChange={(channels) => onChange({ channels })}
        nothingFoundMessage="No block yet: make one of a type that can notify first."
        placeholder={action.channels.length === 0 ? 'Choose blocks' : undefined}
        searchable
        withAsterisk
      />
      <Textarea label="Message" placeholder="A sentence with the run’s facts" autosize minRows={1} maxRows={10} maxLength={5_000} value={action.message} onChange={(event) => onChange({ message: event.currentTarget.value })} />
    </>
  )
}

function RunFields(props: FieldsProps) {
  const { action, onChange } = props
  return (
    <>
      <DeploymentField {...props} label="Deployment to run" placeholder="flow/deployment" value={action.deployment} onName={(deployment) => onChange({ deployment })} />
      <Textarea
        label="Parameters"
        description="JSON, laid over those of the deployment."
        placeholder="{}"
        autosize
        minRows={1}
        maxRows={8}
        value={action.parameters}
        onChange={(event) => onChange({ parameters: event.currentTarget.value })}
        styles={{ input: { fontFamily: 'var(--mono)', fontSize: 13 } }}
      />
    </>
  )
}

interface NameProps extends FieldsProps {
  label: string
  placeholder: string
  value: string
  onName: (name: string) => void
}

function DeploymentField({ namespace, label, placeholder, value, onName }: NameProps) {
  const deployments = useInfiniteQuery(deploymentPages([namespace]))
  return <Autocomplete label={label} placeholder={placeholder} data={namesOf(deployments.data, (each) => each.full_name)} limit={60} value={value} onChange={onName} />
}

function QueueField({ action, namespace, onChange }: FieldsProps) {
  const queues = useInfiniteQuery(workQueuePages([namespace]))
  return <Autocomplete label="Work queue" placeholder="The run’s own" data={namesOf(queues.data, (each) => each.name)} limit={60} value={action.queue} onChange={(queue) => onChange({ queue })} />
}
