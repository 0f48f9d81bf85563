/** Finds a page, a flow, a deployment, a run by its name or id: Ctrl K. */
import { Modal, ScrollArea, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Activity, type LucideIcon, Rocket, Search, Workflow } from 'lucide-react'
import { type KeyboardEvent, useId, useState } from 'react'

import { deploymentPages, flowPages } from '../api/declared'
import { flowRunQuery, flowRunsQuery } from '../api/flowRuns'
import classes from './CommandPalette.module.css'
import { useNamespace } from './namespaces'
import { usePages } from './Shell'

interface Entry {
  key: string
  icon: LucideIcon
  label: string
  kind: string
  go: () => void
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const MOST = 8

export function CommandPalette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const list = useId()
  const entries = useEntries(text.trim())
  const chosen = Math.min(at, Math.max(0, entries.length - 1))
  const pick = (entry: Entry | undefined) => {
    if (entry === undefined) return
    onClose()
    entry.go()
  }
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined) {
      event.preventDefault()
      setAt((chosen + step + entries.length) % Math.max(1, entries.length))
    } else if (event.key === 'Enter') pick(entries[chosen])
  }
  return (
    <Modal opened onClose={onClose} withCloseButton={false} padding={0} size={600} yOffset="12vh" aria-label="Find a page or a run">
      <TextInput
        autoFocus
        data-autofocus
        variant="unstyled"
        size="md"
        px={12}
        leftSection={<Search size={17} />}
        placeholder="Page, flow, deployment, or a run’s name or id"
        aria-label="Find a page or a run"
        role="combobox"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={entries[chosen] === undefined ? undefined : `${list}-${chosen}`}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={keys}
      />
      <ScrollArea.Autosize mah="50vh" className={classes.list}>
        <div role="listbox" id={list} aria-label="Found">
          {entries.map((entry, index) => (
            <div
              key={entry.key}
              id={`${list}-${index}`}
              role="option"
              aria-selected={index === chosen}
              className={classes.entry}
              onClick={() => pick(entry)}
              onMouseMove={() => setAt(index)}
              ref={(element) => {
                if (index === chosen) element?.scrollIntoView({ block: 'nearest' })
              }}
            >
              <entry.icon size={16} aria-hidden />
              <span className="cut">{entry.label}</span>
              <span className="muted">{entry.kind}</span>
            </div>
          ))}
        </div>
        {entries.length === 0 && <p className={`muted ${classes.none}`}>Nothing has this name. A run is found by a part of its name, or its whole id.</p>}
      </ScrollArea.Autosize>
    </Modal>
  )
}

function useEntries(text: string): Entry[] {
  const navigate = useNavigate()
  const namespace = useNamespace()
  const pages = usePages()
  const [wanted] = useDebouncedValue(text, 200)
  const [soon] = useState(() => new Date(Date.now() + 60_000).toISOString())
  const flows = useInfiniteQuery(flowPages(namespace))
  const deployments = useInfiniteQuery(deploymentPages(namespace))
  const named = useQuery({ ...flowRunsQuery({ search: wanted, namespace }, MOST), enabled: wanted !== '' && !UUID.test(wanted) })
  const byId = useQuery({ ...flowRunQuery(wanted), enabled: UUID.test(wanted), retry: false })
  const recent = useQuery({ ...flowRunsQuery({ until: soon, namespace }, 5), enabled: wanted === '' })
  const matches = (label: string) => label.toLowerCase().includes(text.toLowerCase())
  // While a person still types, runs of what was asked before would come first under Enter.
  const asked = wanted === text && !named.isPlaceholderData
  const found = wanted === '' ? recent.data?.items : byId.data !== undefined ? [byId.data] : named.data?.items
  const runs = asked ? found : []
  return [
    ...pages.filter((page) => matches(page.label)).map(({ to, label, icon }) => ({ key: to, icon, label, kind: 'Page', go: () => void navigate({ to }) })),
    ...(runs ?? []).map((run) => ({
      key: run.id,
      icon: Activity,
      label: `${run.name} · ${run.flow_name}`,
      kind: 'Flow run',
      go: () => void navigate({ to: '/flow-runs/$id', params: { id: run.id } }),
    })),
    ...(text === '' ? [] : (flows.data?.pages.flatMap((page) => page.items) ?? []))
      .filter((flow) => matches(flow.name))
      .slice(0, MOST)
      .map((flow) => ({ key: flow.id, icon: Workflow, label: flow.name, kind: 'Flow', go: () => void navigate({ to: '/flows/$id', params: { id: flow.id } }) })),
    ...(text === '' ? [] : (deployments.data?.pages.flatMap((page) => page.items) ?? []))
      .filter((deployment) => matches(deployment.full_name))
      .slice(0, MOST)
      .map((deployment) => ({
        key: deployment.id,
        icon: Rocket,
        label: deployment.full_name,
        kind: 'Deployment',
        go: () => void navigate({ to: '/deployments/$id', params: { id: deployment.id } }),
      })),
  ]
}
