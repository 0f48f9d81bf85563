/** Every deployment, with when it runs. */
import { Button } from '@mantine/core'
import { type InfiniteData, useInfiniteQuery, type UseInfiniteQueryResult } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { PauseCircle, Play, Rocket } from 'lucide-react'
import { useMemo, useState } from 'react'

import { deploymentPages } from '../api/declared'
import { useMay } from '../api/session'
import type { Deployment, Page } from '../api/types'
import { Snippet } from '../components/Copy'
import { DeclaredList } from '../components/DeclaredList'
import { useNamespace } from '../components/namespaces'
import { EmptyState } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { RunNow } from '../components/RunNow'
import { RelativeTime } from '../components/Times'
import type { Column } from '../components/VirtualTable'
import { scheduleWords } from '../lib/schedules'

const MANIFEST = `apiVersion: towpath.dev/v1alpha1
kind: Deployment
metadata:
  name: hello.nightly
spec:
  flow: hello
  schedules:
    - name: nightly
      cron: "0 2 * * *"
      timezone: Europe/Berlin`

type Pages = UseInfiniteQueryResult<InfiniteData<Page<Deployment>>>

export function Deployments() {
  return (
    <PageFrame title="Deployments" fill>
      <DeploymentList pages={useInfiniteQuery(deploymentPages(useNamespace()))} />
    </PageFrame>
  )
}

/** The deployments, of one flow or of all. */
export function DeploymentList({ pages, flowId }: { pages: Pages; flowId?: string }) {
  const [running, setRunning] = useState<Deployment>()
  const shown = useMemo(() => (flowId === undefined ? pages : ofFlow(pages, flowId)), [pages, flowId])
  const columns = useMemo(() => columnsWith(setRunning, flowId === undefined), [flowId])
  return (
    <>
      <DeclaredList
        pages={shown}
        columns={columns}
        words={['deployment', 'deployments']}
        textOf={(each) => `${each.full_name} ${each.resource_name} ${each.spec.tags.join(' ')} ${each.spec.workQueue}`}
        empty={
          <EmptyState icon={Rocket} title="No deployment yet">
            <p>A deployment is a flow made ready to run: with parameters, a work queue and schedules. Apply one as this:</p>
            <Snippet what="manifest" text={MANIFEST} />
          </EmptyState>
        }
      />
      {running !== undefined && <RunNow deployment={running} onClose={() => setRunning(undefined)} />}
    </>
  )
}

function ofFlow(pages: Pages, flowId: string): Pages {
  if (pages.data === undefined) return pages
  const filtered = pages.data.pages.map((page) => ({ ...page, items: page.items.filter((item) => item.flow_id === flowId) }))
  return { ...pages, data: { ...pages.data, pages: filtered } }
}

function columnsWith(run: (deployment: Deployment) => void, withFlow: boolean): readonly Column<Deployment>[] {
  return [
    {
      head: 'Deployment',
      width: 'minmax(130px, 1.4fr)',
      cell: (each) => (
        <Link to="/deployments/$id" params={{ id: each.id }} className="plain" title={each.full_name} style={{ fontWeight: 550 }}>
          {withFlow && <span style={{ fontWeight: 400 }}>{each.flow_name} / </span>}
          {each.name}
        </Link>
      ),
    },
    { head: 'Schedule', width: 'minmax(140px, 1.6fr)', from: 640, cell: (each) => <ScheduleSummary deployment={each} /> },
    { head: 'Work queue', width: 'minmax(80px, 0.8fr)', from: 900, cell: (each) => each.spec.workQueue },
    { head: 'Active', width: '60px', number: true, from: 900, cell: (each) => each.active_runs || <span className="muted">–</span> },
    { head: 'Next run', width: '96px', number: true, from: 640, cell: (each) => <RelativeTime time={each.next_run} /> },
    { head: 'Last run', width: '96px', number: true, cell: (each) => <RelativeTime time={each.last_run} /> },
    {
      head: '\u00a0',
      width: '74px',
      number: true,
      cell: (each) => <RunButton deployment={each} onRun={run} />,
    },
  ]
}

function RunButton({ deployment, onRun }: { deployment: Deployment; onRun: (deployment: Deployment) => void }) {
  if (!useMay('create', 'flowruns', deployment.namespace)) return null
  return (
    <Button size="compact-sm" variant="default" leftSection={<Play size={13} />} onClick={() => onRun(deployment)} aria-label={`Run ${deployment.full_name}`}>
      Run
    </Button>
  )
}

function ScheduleSummary({ deployment }: { deployment: Deployment }) {
  const { schedules, paused } = deployment.spec
  const [first, ...rest] = schedules.filter((schedule) => !schedule.paused)
  if (schedules.length === 0) return <span className="muted">By hand</span>
  if (paused || first === undefined) {
    return (
      <span style={{ display: 'inline-flex', alignItems: 'center', gap: 6, color: 'var(--state-paused-text)' }}>
        <PauseCircle size={15} aria-hidden /> Paused
      </span>
    )
  }
  const words = scheduleWords(first)
  return (
    <span title={words} style={{ display: 'flex', gap: 6 }}>
      <span className="cut">{words}</span>
      {rest.length > 0 && <span className="muted" style={{ flex: 'none' }}>+{rest.length} more</span>}
    </span>
  )
}
