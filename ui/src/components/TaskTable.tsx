/** The task runs of a flow run: by name and state, failing ones one click away. */
import { TextInput } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { ListTodo, Search } from 'lucide-react'
import { useMemo, useState } from 'react'

import type { TaskRun } from '../api/types'
import { STATE_FILTERS } from '../lib/states'
import { FilterMenu } from './FilterMenu'
import { EmptyState } from './Notices'
import { StateBadge, StateIcon } from './StateBadge'
import { Tags } from './Tags'
import classes from './TaskTable.module.css'
import { Duration, RelativeTime } from './Times'
import { type Column, VirtualTable } from './VirtualTable'

const STATES = STATE_FILTERS.filter((each) => each.value !== 'Late').map(({ value, label, type }) => ({
  value,
  label,
  icon: <StateIcon type={type} name={value} size={15} />,
}))

const COLUMNS: readonly Column<TaskRun>[] = [
  {
    head: 'Task run',
    width: 'minmax(96px, 2fr)',
    cell: (run) => (
      <Link to="/task-runs/$id" params={{ id: run.id }} className="plain" title={run.name}>
        {run.name}
      </Link>
    ),
  },
  { head: 'State', width: '118px', cell: (run) => <StateBadge state={run.state} /> },
  { head: 'Task', width: 'minmax(100px, 1fr)', from: 900, cell: (run) => run.task },
  { head: 'Tags', width: 'minmax(100px, 1fr)', from: 900, cell: (run) => <Tags tags={run.tags} shown={2} /> },
  {
    head: 'Retries',
    width: '64px',
    from: 640,
    number: true,
    cell: (run) => (run.run_count > 1 ? run.run_count - 1 : <span className="muted">–</span>),
  },
  { head: 'Start', width: '100px', from: 640, number: true, cell: (run) => <RelativeTime time={run.start_time} /> },
  { head: 'Duration', width: '76px', number: true, cell: (run) => <Duration run={run} /> },
]

export function TaskTable({ runs }: { runs: readonly TaskRun[] }) {
  const [text, setText] = useState('')
  const [states, setStates] = useState<readonly string[]>([])
  const shown = useMemo(() => {
    const wanted = text.trim().toLowerCase()
    return runs.filter(
      (run) =>
        (states.length === 0 || states.includes(run.state?.type ?? 'PENDING')) &&
        (wanted === '' || run.name.toLowerCase().includes(wanted) || run.task.toLowerCase().includes(wanted)),
    )
  }, [runs, text, states])
  if (runs.length === 0) {
    return (
      <div className="card">
        <EmptyState icon={ListTodo} title="No task run">
          <p>Functions marked with @task that the flow calls appear here, each call as one run.</p>
        </EmptyState>
      </div>
    )
  }
  return (
    <div className={classes.tasks}>
      <div className={classes.bar}>
        <TextInput leftSection={<Search size={15} />} placeholder="Name of a task run" aria-label="Name of a task run" value={text} onChange={(event) => setText(event.currentTarget.value)} />
        <FilterMenu label="State" options={STATES} value={states} onChange={setStates} />
        <span className="muted numbers" role="status">
          {shown.length === runs.length ? '' : `${shown.length.toLocaleString('en')} of `}
          {runs.length.toLocaleString('en')} task {runs.length === 1 ? 'run' : 'runs'}
        </span>
      </div>
      <VirtualTable label="Task runs" rows={shown} rowKey={(run) => run.id} columns={COLUMNS} maxHeight="min(70vh, 900px)" />
    </div>
  )
}
