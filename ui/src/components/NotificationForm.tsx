/** Makes or changes a notification: which states of which runs are told, over which blocks, in which words. */
import { MultiSelect, Switch, TagsInput, Textarea, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { blockPages, declaredKeys, deploymentPages, flowPages, namesOf, putNotification } from '../api/declared'
import type { Notification } from '../api/types'
import { FOLLOWED_STATES } from '../lib/automations'
import { useNamespaceForNew } from './namespaces'
import { SmallForm } from './SmallForm'

export function NotificationForm({ notification, onClose }: { notification?: Notification; onClose: () => void }) {
  const chosen = useNamespaceForNew()
  const namespace = notification?.namespace ?? chosen
  const spec = notification?.spec
  const [name, setName] = useState(notification?.name ?? '')
  const [states, setStates] = useState(spec?.states ?? ['FAILED', 'CRASHED'])
  const [channels, setChannels] = useState(spec?.channels ?? [])
  const [flows, setFlows] = useState(spec?.flows ?? [])
  const [deployments, setDeployments] = useState(spec?.deployments ?? [])
  const [tags, setTags] = useState(spec?.tags ?? [])
  const [message, setMessage] = useState(spec?.message ?? '')
  const [paused, setPaused] = useState(spec?.paused ?? false)
  const blocks = useInfiniteQuery(blockPages([namespace]))
  const known = namesOf(blocks.data, (each) => `${each.spec.type}/${each.name}`)
  const knownFlows = useInfiniteQuery(flowPages([namespace]))
  const knownDeployments = useInfiniteQuery(deploymentPages([namespace]))
  const send = async () => {
    if (states.length === 0) throw new Error('Choose at least one state.')
    if (channels.length === 0) throw new Error('Choose at least one block to tell: without one nobody is told.')
    const put = await putNotification(namespace, name.trim(), { ...spec, states, channels, flows, deployments, tags, paused, message: message.trim() === '' ? null : message })
    return `The notification ${put.name} is set.`
  }
  return (
    <SmallForm title={notification === undefined ? 'New notification' : `Notification ${notification.name}`} button="Save" send={send} changes={declaredKeys.notifications} of={notification} onClose={onClose} size="lg">
      <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} disabled={notification !== undefined} required data-autofocus />
      <TagsInput label="When a run becomes" description="State types or names." data={FOLLOWED_STATES} value={states} onChange={setStates} maxTags={30} acceptValueOnBlur withAsterisk />
      <MultiSelect
        label="Tell"
        description="Blocks that reach people."
        data={[...new Set([...known, ...channels])]}
        value={channels}
        onChange={setChannels}
        nothingFoundMessage="No block yet: make one of a type that can notify first."
        placeholder={channels.length === 0 ? 'Choose blocks' : undefined}
        searchable
        withAsterisk
      />
      <TagsInput label="Flows" placeholder={flows.length === 0 ? 'All' : undefined} data={namesOf(knownFlows.data, (each) => each.name)} value={flows} onChange={setFlows} maxTags={100} acceptValueOnBlur />
      <TagsInput label="Deployments" placeholder={deployments.length === 0 ? 'All' : undefined} data={namesOf(knownDeployments.data, (each) => each.full_name)} value={deployments} onChange={setDeployments} maxTags={100} acceptValueOnBlur />
      <TagsInput label="Tags" placeholder={tags.length === 0 ? 'Any' : undefined} value={tags} onChange={setTags} maxTags={50} acceptValueOnBlur />
      <Textarea label="Message" placeholder="A sentence with the run’s facts" autosize minRows={2} maxRows={10} maxLength={5_000} value={message} onChange={(event) => setMessage(event.currentTarget.value)} />
      <Switch label="Paused: nothing is sent" checked={paused} onChange={(event) => setPaused(event.currentTarget.checked)} />
    </SmallForm>
  )
}
