/** One task run: its state and why, its log, what it took and what it gave. */
import { Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { Braces } from 'lucide-react'

import { flowRunQuery } from '../api/flowRuns'
import { usePolling, useFollowedRun } from '../api/live'
import { taskRunQuery, taskRunsOf } from '../api/taskRuns'
import type { TaskRun as Run } from '../api/types'
import { Id } from '../components/Copy'
import { Facts } from '../components/Facts'
import { Json } from '../components/Json'
import { LogView } from '../components/LogView'
import { EmptyState, ErrorState, RowsSkeleton } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { StateBadge } from '../components/StateBadge'
import { TaskRunHistory } from '../components/StateHistory'
import { StateReason } from '../components/StateReason'
import { Tags } from '../components/Tags'
import { Duration, RelativeTime } from '../components/Times'
import { isEnded } from '../lib/states'

const route = getRouteApi('/task-runs/$id')

export function TaskRun() {
  const { id } = route.useParams()
  const { tab = 'logs' } = route.useSearch()
  const navigate = route.useNavigate()
  const polling = usePolling(1_000)
  const found = useQuery({
    ...taskRunQuery(id),
    refetchInterval: (query) => (query.state.data?.state != null && isEnded(query.state.data.state.type) ? false : polling),
  })
  const run = found.data
  useFollowedRun(run?.flow_run_id)
  const flowRun = useQuery({ ...flowRunQuery(run?.flow_run_id ?? ''), enabled: run?.flow_run_id != null })
  const siblings = useQuery({ ...taskRunsOf(run?.flow_run_id ?? ''), enabled: run?.flow_run_id != null && tab === 'inputs' })

  if (found.isPending) {
    return (
      <PageFrame title="Task run" above={[{ label: 'Flow Runs', to: '/flow-runs' }]}>
        <div className="card">
          <RowsSkeleton rows={5} />
        </div>
      </PageFrame>
    )
  }
  if (run === undefined) return <ErrorState error={found.error} retry={() => void found.refetch()} />
  const above = [{ label: 'Flow Runs', to: '/flow-runs' as const }]
  if (flowRun.data !== undefined) above.push({ label: flowRun.data.name, to: `/flow-runs/${flowRun.data.id}` as '/flow-runs' })
  const hasDetails = Object.keys(run.details).length > 0

  return (
    <PageFrame title={run.name} above={above} mark={<StateBadge state={run.state} />}>
      <StateReason state={run.state} />
      <section className="card" style={{ padding: '16px 18px' }} aria-label="Summary">
        <Facts
          facts={[
            { label: 'Task', value: run.task },
            flowRun.data !== undefined && {
              label: 'Flow run',
              value: (
                <Link to="/flow-runs/$id" params={{ id: flowRun.data.id }} className="plain">
                  {flowRun.data.name}
                </Link>
              ),
            },
            { label: 'Started', value: <RelativeTime time={run.start_time} none="Not yet" /> },
            { label: 'Duration', value: <Duration run={run} /> },
            { label: 'Retries', value: Math.max(0, run.run_count - 1) },
            typeof run.details.result === 'string' && { label: 'Result', value: <Id value={run.details.result} what="address of the result" /> },
            run.tags.length > 0 && { label: 'Tags', value: <Tags tags={run.tags} shown={6} wrap /> },
            { label: 'Id', value: <Id value={run.id} /> },
          ]}
        />
      </section>
      <Tabs value={tab} onChange={(value) => void navigate({ search: { tab: value ?? 'logs' }, replace: true })} keepMounted={false}>
        <Tabs.List mb={12}>
          <Tabs.Tab value="logs">Logs</Tabs.Tab>
          <Tabs.Tab value="inputs">Inputs</Tabs.Tab>
          <Tabs.Tab value="states">States</Tabs.Tab>
          {hasDetails && <Tabs.Tab value="details">Result</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="logs">
          <LogView source={{ task_run_id: run.id }} live={run.state == null || !isEnded(run.state.type)} fileName={run.name} />
        </Tabs.Panel>
        <Tabs.Panel value="inputs">
          <Inputs run={run} siblings={siblings.data ?? []} />
        </Tabs.Panel>
        <Tabs.Panel value="states">
          <TaskRunHistory id={run.id} live={run.state == null || !isEnded(run.state.type)} />
        </Tabs.Panel>
        <Tabs.Panel value="details">
          <Json value={run.details} what="result" />
        </Tabs.Panel>
      </Tabs>
    </PageFrame>
  )
}

function Inputs({ run, siblings }: { run: Run; siblings: readonly Run[] }) {
  const byId = new Map(siblings.map((each) => [each.id, each]))
  const inputs = Object.entries(run.inputs).filter(([, ids]) => ids.length > 0)
  if (inputs.length === 0) {
    return (
      <div className="card">
        <EmptyState icon={Braces} title="It took nothing from other task runs">
          <p>When a task is given what another task returned, the two are joined here and in the run’s graph.</p>
        </EmptyState>
      </div>
    )
  }
  return (
    <section className="card" style={{ padding: '16px 18px' }}>
      <Facts
        facts={inputs.map(([name, ids]) => ({
          label: name,
          value: (
            <span style={{ display: 'flex', flexWrap: 'wrap', gap: '4px 12px', maxHeight: 240, overflow: 'auto' }}>
              {ids.map((id) => (
                <Link key={id} to="/task-runs/$id" params={{ id }} className="plain">
                  {byId.get(id)?.name ?? id}
                </Link>
              ))}
            </span>
          ),
        }))}
      />
    </section>
  )
}
