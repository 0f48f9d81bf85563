/** Makes or changes an automation: the states it follows, the runs it is about, and what it does; in words while it is typed. */
import { Button, Fieldset, SegmentedControl, SimpleGrid, Switch, TagsInput, Text, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'

import { declaredKeys, deploymentPages, flowPages, namesOf, putAutomation } from '../api/declared'
import type { Automation } from '../api/types'
import { type ActionTexts, type AutomationTexts, type Faults, NEW_AUTOMATION, newAction, readAutomation, textsOf } from '../lib/automationForm'
import { actionsWords, FOLLOWED_STATES, triggerWords } from '../lib/automations'
import { ActionFields } from './ActionFields'
import classes from './AutomationForm.module.css'
import { useNamespaceForNew } from './namespaces'
import { SmallForm } from './SmallForm'

const MOST_ACTIONS = 10

export function AutomationForm({ automation, onClose }: { automation?: Automation; onClose: () => void }) {
  const chosen = useNamespaceForNew()
  const namespace = automation?.namespace ?? chosen
  const [texts, setTexts] = useState<AutomationTexts>(() => (automation === undefined ? NEW_AUTOMATION : textsOf(automation.name, automation.spec)))
  const [faults, setFaults] = useState<Faults>({})
  const set = (changes: Partial<AutomationTexts>) => setTexts((before) => ({ ...before, ...changes }))
  const send = async () => {
    const read = readAutomation(texts)
    setFaults(read.faults)
    if (read.spec === undefined) throw new Error('Please look at the fields that are marked.')
    const put = await putAutomation(namespace, texts.name.trim(), read.spec)
    return `The automation ${put.name} is set.`
  }
  return (
    <SmallForm title={automation === undefined ? 'New automation' : `Automation ${automation.name}`} button="Save" send={send} changes={declaredKeys.automations} of={automation} onClose={onClose} size="lg">
      <TextInput label="Name" value={texts.name} error={faults.name} onChange={(event) => set({ name: event.currentTarget.value })} disabled={automation !== undefined} withAsterisk data-autofocus />
      <TriggerFields texts={texts} faults={faults} namespace={namespace} set={set} />
      <ActionList texts={texts} faults={faults} namespace={namespace} set={set} />
      <InWords texts={texts} />
      <Switch label="Paused: states that are entered meanwhile are not followed" checked={texts.paused} onChange={(event) => set({ paused: event.currentTarget.checked })} />
    </SmallForm>
  )
}

interface PartProps {
  texts: AutomationTexts
  faults: Faults
  namespace: string
  set: (changes: Partial<AutomationTexts>) => void
}

function TriggerFields({ texts, faults, namespace, set }: PartProps) {
  const flows = useInfiniteQuery(flowPages([namespace]))
  const deployments = useInfiniteQuery(deploymentPages([namespace]))
  return (
    <Fieldset legend="When" className={classes.part}>
      <TagsInput label="A run becomes" description="State types or names." data={FOLLOWED_STATES} value={texts.states} error={faults.states} onChange={(states) => set({ states })} maxTags={30} acceptValueOnBlur withAsterisk />
      <SegmentedControl
        aria-label="When to act"
        data={[
          { value: 'once', label: 'Act at once' },
          { value: 'waits', label: 'Act if it hangs' },
        ]}
        value={texts.waits ? 'waits' : 'once'}
        onChange={(value) => set({ waits: value === 'waits' })}
      />
      {texts.waits && (
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
          <TagsInput label="It has not reached" description="Any of them is enough." data={FOLLOWED_STATES} value={texts.expect} error={faults.expect} onChange={(expect) => set({ expect })} maxTags={30} acceptValueOnBlur withAsterisk />
          <TextInput label="Within" description="A duration, as 15m, 1h30m or 7d." value={texts.within} error={faults.within} onChange={(event) => set({ within: event.currentTarget.value })} withAsterisk styles={{ input: { fontFamily: 'var(--mono)' } }} />
        </SimpleGrid>
      )}
      <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="md">
        <TagsInput label="Flows" placeholder={texts.flows.length === 0 ? 'All' : undefined} data={namesOf(flows.data, (each) => each.name)} value={texts.flows} onChange={(value) => set({ flows: value })} maxTags={100} acceptValueOnBlur />
        <TagsInput label="Deployments" placeholder={texts.deployments.length === 0 ? 'All' : undefined} data={namesOf(deployments.data, (each) => each.full_name)} value={texts.deployments} onChange={(value) => set({ deployments: value })} maxTags={100} acceptValueOnBlur />
        <TagsInput label="Tags" placeholder={texts.tags.length === 0 ? 'Any' : undefined} value={texts.tags} onChange={(tags) => set({ tags })} maxTags={50} acceptValueOnBlur />
      </SimpleGrid>
    </Fieldset>
  )
}

function ActionList({ texts: { actions }, faults, namespace, set }: PartProps) {
  const change = (at: number, changes: Partial<ActionTexts>) => set({ actions: actions.map((each, index) => (index === at ? { ...each, ...changes } : each)) })
  const moveUp = (at: number) => set({ actions: actions.map((each, index) => (index === at - 1 ? actions[at] : index === at ? actions[at - 1] : each) ?? each) })
  const add = () => set({ actions: [...actions, newAction(Math.max(-1, ...actions.map((each) => each.key)) + 1)] })
  return (
    <Fieldset legend="Then, in this order" className={classes.part}>
      {actions.map((action, at) => (
        <ActionFields
          key={action.key}
          place={at + 1}
          action={action}
          fault={faults[`actions.${action.key}`]}
          namespace={namespace}
          onChange={(changes) => change(at, changes)}
          onUp={at > 0 ? () => moveUp(at) : undefined}
          onRemove={actions.length > 1 ? () => set({ actions: actions.filter((each) => each !== action) }) : undefined}
        />
      ))}
      {faults.actions !== undefined && (
        <Text size="sm" role="alert" style={{ color: 'var(--state-failed-text)' }}>
          {faults.actions}
        </Text>
      )}
      {actions.length < MOST_ACTIONS && (
        <Button variant="default" size="compact-sm" leftSection={<Plus size={14} />} onClick={add} style={{ alignSelf: 'flex-start' }}>
          Add an action
        </Button>
      )}
    </Fieldset>
  )
}

/** What is typed, as the list will show it. */
function InWords({ texts }: { texts: AutomationTexts }) {
  const { spec } = readAutomation({ ...texts, name: 'preview' })
  return (
    <p className={`wrap ${classes.words}`} role="status" aria-label="In words">
      {spec === undefined ? <span className="muted">What you choose appears here in words.</span> : `When ${triggerWords(spec)}: ${actionsWords(spec)}.`}
    </p>
  )
}
