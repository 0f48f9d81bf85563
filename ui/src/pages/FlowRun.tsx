/** One flow run: its state and why, what it did, its log. */
import { Tabs } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { Activity } from 'lucide-react'
import { useMemo } from 'react'

import { artifactPages } from '../api/artifacts'
import { flowRunQuery, flowRunsQuery } from '../api/flowRuns'
import { useFollowedRun, usePolling } from '../api/live'
import { taskRunsOf } from '../api/taskRuns'
import type { FlowRun as Run } from '../api/types'
import { Attempts } from '../components/Attempts'
import { Id } from '../components/Copy'
import { Facts } from '../components/Facts'
import { Json } from '../components/Json'
import { LogView } from '../components/LogView'
import { EmptyState, ErrorState, RowsSkeleton } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { RunActions } from '../components/RunActions'
import { RunArtifacts } from '../components/RunArtifacts'
import { RunList } from '../components/RunList'
import { StateBadge } from '../components/StateBadge'
import { FlowRunHistory } from '../components/StateHistory'
import { StateReason } from '../components/StateReason'
import { Tags } from '../components/Tags'
import { TaskTable } from '../components/TaskTable'
import { Duration, RelativeTime } from '../components/Times'
import { Trace } from '../components/Trace'
import { isEnded } from '../lib/states'
import { formatIn } from '../lib/times'

const route = getRouteApi('/flow-runs/$id')

export function FlowRun() {
  const { id } = route.useParams()
  const run = useQuery(flowRunQuery(id))
  if (run.isPending) {
    return (
      <PageFrame title="Flow run" above={[{ label: 'Flow Runs', to: '/flow-runs' }]}>
        <div className="card">
          <RowsSkeleton rows={6} />
        </div>
      </PageFrame>
    )
  }
  if (run.isError) return <ErrorState error={run.error} retry={() => void run.refetch()} />
  return <Shown key={id} run={run.data} />
}

function Shown({ run }: { run: Run }) {
  const { tab = 'logs' } = route.useSearch()
  const navigate = route.useNavigate()
  const ended = isEnded(run.state.type)
  useFollowedRun(run.id)
  const tasks = useQuery({ ...taskRunsOf(run.id), refetchInterval: usePolling(run.tasks.total > 1_000 ? 5_000 : 2_000, !ended) })
  const subflows = useQuery(flowRunsQuery({ parent_flow_run_id: run.id }, 1))
  const artifacts = useInfiniteQuery(artifactPages({ flow_run_id: run.id }))
  const names = useMemo(() => new Map(tasks.data?.map((task) => [task.id, task.name])), [tasks.data])
  const children = subflows.data?.total ?? 0
  const tabs = [
    { value: 'logs', label: 'Logs' },
    { value: 'tasks', label: 'Task runs', count: run.tasks.total },
    { value: 'subflows', label: 'Subflows', count: children },
    { value: 'artifacts', label: 'Artifacts', count: artifacts.data?.pages[0]?.total },
    { value: 'parameters', label: 'Parameters', count: Object.keys(run.parameters).length },
    { value: 'states', label: 'States' },
    { value: 'attempts', label: 'Attempts', count: run.attempts.length },
  ]

  return (
    <PageFrame title={run.name} above={[{ label: 'Flow Runs', to: '/flow-runs' }]} mark={<StateBadge state={run.state} />} actions={<RunActions run={run} />}>
      <StateReason state={run.state} waitingFor={run.waiting_for ?? awaited(run)} />
      <Summary run={run} />
      {tasks.isError ? (
        <ErrorState error={tasks.error} retry={() => void tasks.refetch()} />
      ) : (
        <Trace run={run} tasks={tasks.data} hasSubflows={children > 0} />
      )}
      <Tabs value={tab} onChange={(value) => void navigate({ search: { tab: value ?? 'logs' }, replace: true })} keepMounted={false}>
        <Tabs.List mb={12}>
          {tabs.map(({ value, label, count }) => (
            <Tabs.Tab key={value} value={value}>
              {label}
              {count !== undefined && count > 0 && <span className="muted numbers"> {count.toLocaleString('en')}</span>}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="logs">
          <LogView source={{ flow_run_id: run.id }} live={!ended} fileName={run.name} taskNames={names} />
        </Tabs.Panel>
        <Tabs.Panel value="tasks">{tasks.data === undefined ? <RowsSkeleton /> : <TaskTable runs={tasks.data} />}</Tabs.Panel>
        <Tabs.Panel value="subflows">
          <RunList
            query={{ parent_flow_run_id: run.id }}
            maxHeight="min(70vh, 900px)"
            empty={
              <EmptyState icon={Activity} title="No subflow">
                <p>A flow that this one calls appears here as a run of its own.</p>
              </EmptyState>
            }
          />
        </Tabs.Panel>
        <Tabs.Panel value="artifacts">
          <RunArtifacts query={{ flow_run_id: run.id }} live={!ended} />
        </Tabs.Panel>
        <Tabs.Panel value="parameters">
          {Object.keys(run.parameters).length === 0 ? (
            <div className="card">
              <EmptyState icon={Activity} title="This run was given no parameters" />
            </div>
          ) : (
            <Json value={run.parameters} what="parameters" />
          )}
        </Tabs.Panel>
        <Tabs.Panel value="states">
          <FlowRunHistory id={run.id} />
        </Tabs.Panel>
        <Tabs.Panel value="attempts">
          <Attempts run={run} />
        </Tabs.Panel>
      </Tabs>
    </PageFrame>
  )
}

/** What a paused run waits for, where it waits for a person. */
function awaited(run: Run): string | undefined {
  if (run.pause == null) return undefined
  const { description, input_schema: schema, until } = run.pause
  const what = description?.trim() ?? (schema == null ? undefined : 'It waits for an input: press “Resume” to give it.')
  return what === undefined ? undefined : `${what}${until == null ? '' : `\nIt fails unless it is resumed before ${formatIn(Date.parse(until))}.`}`
}

function Summary({ run }: { run: Run }) {
  return (
    <section className="card" style={{ padding: '16px 18px' }} aria-label="Summary">
      <Facts
        facts={[
          {
            label: 'Flow',
            value: (
              <Link to="/flows/$id" params={{ id: run.flow_id }} className="plain">
                {run.flow_name}
              </Link>
            ),
          },
          run.deployment_id != null && {
            label: 'Deployment',
            value: (
              <Link to="/deployments/$id" params={{ id: run.deployment_id }} className="plain">
                {run.deployment_name}
              </Link>
            ),
          },
          run.work_queue != null && { label: 'Work queue', value: run.work_queue },
          run.parent_flow_run_id != null && {
            label: 'Called by',
            value: (
              <Link to="/flow-runs/$id" params={{ id: run.parent_flow_run_id }} className="plain">
                Its parent run
              </Link>
            ),
          },
          run.scheduled_time != null && { label: 'Scheduled', value: <RelativeTime time={run.scheduled_time} /> },
          { label: 'Started', value: <RelativeTime time={run.start_time} none="Not yet" /> },
          { label: 'Duration', value: <Duration run={run} /> },
          {
            label: 'Tasks',
            value: (
              <span className="numbers">
                {run.tasks.completed.toLocaleString('en')}/{run.tasks.total.toLocaleString('en')}
                {run.tasks.failed > 0 && <span style={{ color: 'var(--state-failed-text)', whiteSpace: 'nowrap' }}> · {run.tasks.failed} failed</span>}
              </span>
            ),
          },
          run.run_count > 1 && { label: 'Retries', value: run.run_count - 1 },
          run.resource != null && { label: 'FlowRun', value: <Id value={run.resource.name} what="name of the FlowRun" /> },
          run.tags.length > 0 && { label: 'Tags', value: <Tags tags={run.tags} shown={6} wrap /> },
          { label: 'Id', value: <Id value={run.id} /> },
        ]}
      />
    </section>
  )
}
