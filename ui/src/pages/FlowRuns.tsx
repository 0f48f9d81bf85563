/** Every flow run, by state, flow, deployment, queue, tag, name and time. */
import { Button, Group, Switch, Text } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { Activity, CircleSlash, Trash2, X } from 'lucide-react'
import { lazy, Suspense, useMemo, useState } from 'react'

import { useMay } from '../api/session'
import type { FlowRun } from '../api/types'
import { useActOnMany } from '../components/cancelling'
import { Confirm } from '../components/Confirm'
import { Snippet } from '../components/Copy'
import { EmptyState } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { RunFilters } from '../components/RunFilters'
import { RunList } from '../components/RunList'
import { useNowEvery } from '../lib/clock'
import { countFilters, type FlowRunSearch, toQuery } from '../lib/filters'
import { isEnded } from '../lib/states'
import { part } from '../lib/loading'

const DurationChart = lazy(() => part(import('../components/DurationChart')).then((module) => ({ default: module.DurationChart })))

const route = getRouteApi('/flow-runs')

const FIRST_FLOW = `from towpath import flow, task

@task
def greet(name: str) -> str:
    return f"Hello, {name}!"

@flow(log_prints=True)
def hello(name: str = "world"):
    print(greet(name))

hello()`

export function FlowRuns() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const now = useNowEvery(60_000)
  const query = useMemo(() => toQuery(search, now), [search, now])
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [charted, setCharted] = useState(false)
  const [asked, setAsked] = useState<FlowRun[]>()
  const cancelling = useActOnMany('cancel')
  const deleting = useActOnMany('delete')
  const mayCancel = useMay('update', 'flowruns')
  const mayDelete = useMay('delete', 'flowruns')
  const toggle = (run: FlowRun) => {
    const next = new Set(chosen)
    if (!next.delete(run.id)) next.add(run.id)
    setChosen(next)
  }
  const none = () => setChosen(new Set())
  const change = (next: FlowRunSearch) => void navigate({ search: next, replace: true })
  const filtered = countFilters(search) > 0

  return (
    <PageFrame
      title="Flow Runs"
      fill
      actions={<Switch size="sm" label="Chart of durations" checked={charted} onChange={(event) => setCharted(event.currentTarget.checked)} />}
    >
      <RunFilters search={search} onChange={change} />
      {charted && (
        <Suspense fallback={<div className="card" style={{ height: 186, flex: 'none' }} />}>
          <DurationChart query={query} />
        </Suspense>
      )}
      <RunList
        query={query}
        sort={search.sort}
        onSort={(sort) => change({ ...search, sort })}
        selection={mayCancel || mayDelete ? { chosen, toggle, set: (runs, wanted) => setChosen(new Set(wanted ? runs.map((run) => run.id) : [])) } : undefined}
        toolbar={(runs) => {
          const [open, ended] = [false, true].map((wanted) => runs.filter((run) => chosen.has(run.id) && isEnded(run.state.type) === wanted)) as [FlowRun[], FlowRun[]]
          if (chosen.size === 0) {
            return filtered ? (
              <Button size="compact-sm" variant="subtle" leftSection={<X size={14} />} onClick={() => change({})}>
                Clear filters
              </Button>
            ) : null
          }
          return (
            <Group gap={8}>
              <Text size="sm">{chosen.size.toLocaleString('en')} chosen</Text>
              {mayCancel && (
                <Button
                  size="compact-sm"
                  variant="default"
                  leftSection={<CircleSlash size={14} />}
                  disabled={open.length === 0}
                  loading={cancelling.isPending}
                  onClick={() => cancelling.mutate(open, { onSuccess: none })}
                >
                  Cancel {open.length} unfinished
                </Button>
              )}
              {mayDelete && (
                <Button size="compact-sm" variant="default" leftSection={<Trash2 size={14} />} disabled={ended.length === 0} loading={deleting.isPending} onClick={() => setAsked(ended)}>
                  Delete {ended.length} ended
                </Button>
              )}
              <Button size="compact-sm" variant="subtle" color="gray" onClick={none}>
                Choose none
              </Button>
            </Group>
          )
        }}
        empty={
          filtered ? (
            <EmptyState icon={Activity} title="No run matches these filters">
              <Button variant="default" onClick={() => change({})}>
                Clear the filters
              </Button>
            </EmptyState>
          ) : (
            <EmptyState icon={Activity} title="No flow has run yet">
              <p>Save this as hello.py and run it with this server’s address set: its run appears here while it goes on.</p>
              <Snippet what="flow" text={FIRST_FLOW} />
              <Snippet text={`TOWPATH_API_URL=${window.location.origin}/api python hello.py`} />
            </EmptyState>
          )
        }
      />
      {asked !== undefined && (
        <Confirm
          title={asked.length === 1 ? 'Delete one run?' : `Delete ${asked.length} runs?`}
          text="Their task runs, states and logs go with them, and cannot be brought back."
          button="Delete"
          onConfirm={() => deleting.mutate(asked, { onSuccess: none })}
          onClose={() => setAsked(undefined)}
        />
      )}
    </PageFrame>
  )
}
