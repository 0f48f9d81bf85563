/** Finds a page, a run by a part of its name or its id, and all that is declared by its name: Ctrl K. */
import { Modal, ScrollArea, TextInput, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { type InfiniteData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Activity, Bell, Blocks, Bot, FileText, Gauge, Layers, type LucideIcon, Moon, Rocket, Search, Sun, Workflow } from 'lucide-react'
import { type KeyboardEvent, useId, useState } from 'react'

import { artifactPages } from '../api/artifacts'
import { automationPages, blockPages, concurrencyLimitPages, deploymentPages, flowPages, notificationPages, workQueuePages } from '../api/declared'
import { flowRunQuery, flowRunsQuery } from '../api/flowRuns'
import { useMay } from '../api/session'
import type { Page } from '../api/types'
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
  const matches = (label: string) => label.toLowerCase().includes(text.toLowerCase())
  const pages = usePageEntries().filter((entry) => matches(entry.label))
  const runs = useRunEntries(text)
  const declared = useDeclaredEntries(text !== '')
  if (text === '') return [...pages, ...runs]
  const found = declared.map((kind) => kind.filter((entry) => matches(entry.label)).slice(0, MOST))
  return [...pages, ...runs, ...found.flat()]
}

/** Pages, and what can be done on any of them. */
function usePageEntries(): Entry[] {
  const navigate = useNavigate()
  const pages = usePages()
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  const next = scheme === 'dark' ? 'light' : 'dark'
  return [
    ...pages.map(({ to, label, icon }) => ({ key: to, icon, label, kind: 'Page', go: () => void navigate({ to }) })),
    { key: 'block-types', icon: Blocks, label: 'New block', kind: 'Action', go: () => void navigate({ to: '/blocks', search: { tab: 'types' } }) },
    { key: 'colours', icon: next === 'dark' ? Moon : Sun, label: `Show ${next} colours`, kind: 'Action', go: () => setColorScheme(next) },
  ]
}

/** Runs by a part of their name or their whole id; the newest while nothing is typed. */
function useRunEntries(text: string): Entry[] {
  const navigate = useNavigate()
  const namespace = useNamespace()
  const [wanted] = useDebouncedValue(text, 200)
  const [soon] = useState(() => new Date(Date.now() + 60_000).toISOString())
  const named = useQuery({ ...flowRunsQuery({ search: wanted, namespace }, MOST), enabled: wanted !== '' && !UUID.test(wanted) })
  const byId = useQuery({ ...flowRunQuery(wanted), enabled: UUID.test(wanted), retry: false })
  const recent = useQuery({ ...flowRunsQuery({ until: soon, namespace }, 5), enabled: wanted === '' })
  // While a person still types, runs of what was asked before would come first under Enter.
  if (wanted !== text || named.isPlaceholderData) return []
  const runs = wanted === '' ? recent.data?.items : byId.data !== undefined ? [byId.data] : named.data?.items
  return (runs ?? []).map((run) => ({
    key: run.id,
    icon: Activity,
    label: `${run.name} · ${run.flow_name}`,
    kind: 'Flow run',
    go: () => void navigate({ to: '/flow-runs/$id', params: { id: run.id } }),
  }))
}

/** What is declared and what runs have shown, a list for each kind; asked for once something is typed. */
function useDeclaredEntries(enabled: boolean): Entry[][] {
  const navigate = useNavigate()
  const namespace = useNamespace()
  const flows = useInfiniteQuery({ ...flowPages(namespace), enabled })
  const deployments = useInfiniteQuery({ ...deploymentPages(namespace), enabled })
  const queues = useInfiniteQuery({ ...workQueuePages(namespace), enabled })
  const blocks = useInfiniteQuery({ ...blockPages(namespace), enabled })
  const notifications = useInfiniteQuery({ ...notificationPages(namespace), enabled: useMay('list', 'notifications') && enabled })
  const automations = useInfiniteQuery({ ...automationPages(namespace), enabled: useMay('list', 'automations') && enabled })
  const limits = useInfiniteQuery({ ...concurrencyLimitPages(namespace), enabled: useMay('list', 'concurrencylimits') && enabled })
  const artifacts = useInfiniteQuery({ ...artifactPages({ namespace, latest: true }), enabled })
  return [
    itemsOf(flows.data).map((each) => ({ key: each.id, icon: Workflow, label: each.name, kind: 'Flow', go: () => void navigate({ to: '/flows/$id', params: { id: each.id } }) })),
    itemsOf(deployments.data).map((each) => ({
      key: each.id,
      icon: Rocket,
      label: each.full_name,
      kind: 'Deployment',
      go: () => void navigate({ to: '/deployments/$id', params: { id: each.id } }),
    })),
    itemsOf(artifacts.data).flatMap((each) =>
      each.key == null ? [] : [{ key: each.id, icon: FileText, label: each.key, kind: 'Artifact', go: () => void navigate({ to: '/artifacts/$id', params: { id: each.id } }) }],
    ),
    itemsOf(queues.data).map((each) => ({ key: each.id, icon: Layers, label: each.name, kind: 'Runs of a queue', go: () => void navigate({ to: '/flow-runs', search: { queue: [each.name] } }) })),
    itemsOf(blocks.data).map((each) => ({ key: each.id, icon: Blocks, label: `${each.spec.type}/${each.name}`, kind: 'Block', go: () => void navigate({ to: '/blocks' }) })),
    itemsOf(notifications.data).map((each) => ({ key: each.id, icon: Bell, label: each.name, kind: 'Notification', go: () => void navigate({ to: '/notifications' }) })),
    itemsOf(automations.data).map((each) => ({ key: each.id, icon: Bot, label: each.name, kind: 'Automation', go: () => void navigate({ to: '/automations', search: { shown: each.id } }) })),
    itemsOf(limits.data).map((each) => ({ key: each.id, icon: Gauge, label: each.spec.tag, kind: 'Concurrency limit', go: () => void navigate({ to: '/concurrency-limits' }) })),
  ]
}

const itemsOf = <T,>(data: InfiniteData<Page<T>> | undefined): T[] => data?.pages.flatMap((page) => page.items) ?? []
