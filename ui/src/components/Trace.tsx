/** What a run did: its task runs in time, or as a graph of what depends on what. */
import { SegmentedControl } from '@mantine/core'
import { ChartGantt, Network } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'

import type { FlowRun, TaskRun } from '../api/types'
import { RowsSkeleton } from './Notices'
import { Timeline } from './Timeline'
import classes from './Trace.module.css'
import { part } from '../lib/loading'

const Graph = lazy(() => part(import('./Graph')).then((module) => ({ default: module.Graph })))

interface Props {
  run: FlowRun
  tasks: readonly TaskRun[] | undefined
  hasSubflows: boolean
}

export function Trace({ run, tasks, hasSubflows }: Props) {
  const [view, setView] = useState('timeline')
  if (tasks === undefined) {
    return (
      <div className={`card ${classes.trace}`}>
        <RowsSkeleton rows={4} height={30} />
      </div>
    )
  }
  if (tasks.length === 0) return null // the empty table of task runs says what a task is
  return (
    <section className={`card ${classes.trace}`} aria-label="Task runs in time">
      <div className={classes.bar}>
        <SegmentedControl
          size="xs"
          value={view}
          onChange={setView}
          data={[
            { value: 'timeline', label: <Choice icon={<ChartGantt size={14} aria-hidden />} text="Timeline" /> },
            { value: 'graph', label: <Choice icon={<Network size={14} aria-hidden />} text="Graph" /> },
          ]}
        />
      </div>
      {view === 'timeline' ? (
        <Timeline run={run} tasks={tasks} hasSubflows={hasSubflows} />
      ) : (
        <Suspense fallback={<RowsSkeleton rows={8} height={40} />}>
          <Graph tasks={tasks} />
        </Suspense>
      )}
    </section>
  )
}

function Choice({ icon, text }: { icon: React.ReactNode; text: string }) {
  return (
    <span className={classes.choice}>
      {icon} {text}
    </span>
  )
}
