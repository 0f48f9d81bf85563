/** What ran, what is late, what failed, how the queues do: at a glance. */
import { SegmentedControl } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { Percent, Layers, Rocket } from 'lucide-react'
import { useCallback, useMemo } from 'react'

import { workQueuePages } from '../api/declared'
import { flowRunHistogram, flowRunsQuery, taskRunHistogram } from '../api/flowRuns'
import type { FlowRun, StateType, WorkQueue } from '../api/types'
import { Snippet } from '../components/Copy'
import { FilterMenu } from '../components/FilterMenu'
import { Histogram } from '../components/Histogram'
import { EmptyState, ErrorState, RowsSkeleton } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { StateBadge, StateIcon } from '../components/StateBadge'
import { RelativeTime } from '../components/Times'
import { useNowEvery } from '../lib/clock'
import { type FlowRunQuery, type FlowRunSearch, parseRange, RANGES, toQuery } from '../lib/filters'
import { type Histogram as Counts, successRate, toCounts, totals } from '../lib/histogram'
import classes from './Dashboard.module.css'

const route = getRouteApi('/')
const SHOWN = 6

const TILES: readonly { label: string; state: string; type: StateType }[] = [
  { label: 'Failed', state: 'FAILED', type: 'FAILED' },
  { label: 'Crashed', state: 'CRASHED', type: 'CRASHED' },
  { label: 'Late', state: 'Late', type: 'SCHEDULED' },
  { label: 'Running', state: 'RUNNING', type: 'RUNNING' },
  { label: 'Completed', state: 'COMPLETED', type: 'COMPLETED' },
]

const NONE: Counts = { starts: [], step: 0, series: [] }

export function Dashboard() {
  const search = route.useSearch()
  const navigate = useNavigate()
  const now = useNowEvery(60_000)
  const range = search.range ?? '24h'
  const bounds = useMemo(() => ({ from: now - (parseRange(range) ?? 86_400_000), to: now + 60_000 }), [range, now])
  const query = useMemo<FlowRunQuery>(
    () => ({ ...toQuery({ ...search, range }, now), until: new Date(bounds.to).toISOString() }),
    [search, range, now, bounds],
  )
  const change = (changes: Partial<FlowRunSearch>) => void navigate({ to: '/', search: { ...search, ...changes }, replace: true })
  const counted = useQuery(flowRunHistogram(query))
  const histogram = useMemo(() => (counted.data === undefined ? NONE : toCounts(counted.data)), [counted.data])
  const pick = useCallback(
    (from: number, to: number) =>
      void navigate({ to: '/flow-runs', search: { tag: search.tag, namespace: search.namespace, since: new Date(from).toISOString(), until: new Date(to).toISOString() } }),
    [navigate, search.tag, search.namespace],
  )
  const any = useQuery(flowRunsQuery({}, 1))
  return (
    <PageFrame
      title="Dashboard"
      actions={
        <>
          <FilterMenu label="Tag" free options={[]} value={search.tag ?? []} onChange={(tag) => change({ tag: tag.length > 0 ? tag : undefined })} />
          <SegmentedControl
            aria-label="Time"
            value={range}
            onChange={(value) => change({ range: value })}
            data={RANGES.map(({ value }) => ({ value, label: value === '24h' ? '24 h' : value.replace(/(\d)(\D)/, '$1 $2') }))}
          />
        </>
      }
    >
      {any.data?.total === 0 ? (
        <Welcome />
      ) : (
        <>
          <Tiles query={query} range={range} tag={search.tag} counts={counted.data === undefined ? undefined : totals(histogram)} />
          <div className={classes.charts}>
            <section className={`card ${classes.chart}`} aria-label="Runs over time">
              <h2 className={classes.heading}>
                Runs over time
                {counted.data?.capped === true && <span className="muted"> the newest that match these filters</span>}
              </h2>
              {counted.isError ? <ErrorState error={counted.error} retry={() => void counted.refetch()} /> : <Histogram histogram={histogram} onPick={pick} />}
            </section>
            <TaskRuns namespace={query.namespace} since={query.since} until={query.until} />
          </div>
          <div className={classes.halves}>
            <Runs title="Needs a look" query={{ ...query, state: ['FAILED', 'CRASHED', 'Late'] }} none="Nothing failed, crashed or is late in this time." />
            <Runs title="Running now" query={{ tag: query.tag, namespace: query.namespace, state: ['RUNNING', 'CANCELLING', 'PENDING'] }} none="Nothing runs at the moment." />
          </div>
          <Queues namespace={search.namespace} />
        </>
      )}
    </PageFrame>
  )
}

function Welcome() {
  return (
    <div className="card">
      <EmptyState icon={Rocket} title="Welcome to Towpath">
        <p>Nothing has run here yet. Point a flow at this server, and what it does appears as it happens:</p>
        <Snippet text={`export TOWPATH_API_URL=${window.location.origin}/api\npython flow.py`} />
        <p>
          The page <Link to="/flow-runs">Flow Runs</Link> has a first flow to copy.
        </p>
      </EmptyState>
    </div>
  )
}

interface TilesProps {
  query: FlowRunQuery
  range: string
  tag?: string[]
  /** Runs by state; undefined until they are counted. */
  counts?: Partial<Record<StateType, number>>
}

/** How many runs there are in each state that a person asks for first, and how many of the ended ones went well. */
function Tiles({ query, range, tag, counts }: TilesProps) {
  const late = useQuery(flowRunsQuery({ ...query, state: ['Late'] }, 1))
  const rate = successRate(counts ?? {})
  const numberOf = (state: string, type: StateType) => (state === 'Late' ? late.data?.total : counts === undefined ? undefined : (counts[type] ?? 0))
  return (
    <div className={classes.tiles}>
      {TILES.map(({ label, state, type }) => {
        const number = numberOf(state, type)
        return (
          <Link key={state} to="/flow-runs" search={{ state: [state], range, tag }} className={`card ${classes.tile}`} data-none={number === 0 || undefined}>
            <span className={classes.tileName}>
              <StateIcon type={type} name={state} size={16} /> {label}
            </span>
            <span className={`numbers ${classes.count}`}>{number === undefined ? '…' : `${number.toLocaleString('en')}${state === 'Late' && late.data?.total_capped === true ? '+' : ''}`}</span>
          </Link>
        )
      })}
      <div className={`card ${classes.tile}`}>
        <span className={classes.tileName}>
          <Percent size={16} className="muted" aria-hidden /> Success rate
        </span>
        <span className={`numbers ${classes.count}`}>{counts === undefined ? '…' : rate === undefined ? '–' : `${(rate * 100).toFixed(rate === 1 ? 0 : 1)}%`}</span>
      </div>
    </div>
  )
}

function TaskRuns(times: { namespace?: string[]; since?: string; until?: string }) {
  const counted = useQuery(taskRunHistogram(times))
  const histogram = useMemo(() => (counted.data === undefined ? NONE : toCounts(counted.data)), [counted.data])
  const sums = totals(histogram)
  const all = Object.values(sums).reduce((sum, count) => sum + count, 0)
  return (
    <section className={`card ${classes.chart}`} aria-label="Task runs over time">
      <h2 className={classes.heading}>
        Task runs{' '}
        <span className="muted numbers">
          {all.toLocaleString('en')}
          {(sums.FAILED ?? 0) > 0 && `, ${(sums.FAILED ?? 0).toLocaleString('en')} failed`}
        </span>
      </h2>
      {counted.isError ? <ErrorState error={counted.error} retry={() => void counted.refetch()} /> : <Histogram histogram={histogram} label="Task runs over time" />}
    </section>
  )
}

function Runs({ title, query, none }: { title: string; query: FlowRunQuery; none: string }) {
  const runs = useQuery(flowRunsQuery(query, SHOWN))
  return (
    <section className={`card ${classes.part}`} aria-label={title}>
      <h2 className={classes.heading}>{title}</h2>
      {runs.isPending ? (
        <RowsSkeleton rows={3} height={44} />
      ) : runs.isError ? (
        <ErrorState error={runs.error} retry={() => void runs.refetch()} />
      ) : runs.data.items.length === 0 ? (
        <p className={`muted ${classes.none}`}>{none}</p>
      ) : (
        <>
          <ul className={classes.list}>
            {runs.data.items.map((run) => (
              <RunLine key={run.id} run={run} />
            ))}
          </ul>
          {(runs.data.total > SHOWN || runs.data.total_capped) && (
            <Link to="/flow-runs" search={{ state: query.state, since: query.since, tag: query.tag }} className={classes.all}>
              All {runs.data.total.toLocaleString('en')}
              {runs.data.total_capped && ' and more'}
            </Link>
          )}
        </>
      )}
    </section>
  )
}

function RunLine({ run }: { run: FlowRun }) {
  const reason = run.waiting_for ?? run.state.message
  return (
    <li className={classes.line}>
      <div className={classes.lineText}>
        <span className={classes.lineName}>
          <Link to="/flow-runs/$id" params={{ id: run.id }} className="plain cut" style={{ fontWeight: 550 }} title={run.name}>
            {run.name}
          </Link>
          <span className="muted cut">{run.flow_name}</span>
        </span>
        {reason != null && reason !== '' && (
          <span className={`muted cut ${classes.reason}`} title={reason.slice(0, 500)}>
            {reason.slice(0, 300)}
          </span>
        )}
      </div>
      <StateBadge state={run.state} />
      <span className={`muted ${classes.lineTime}`}>
        <RelativeTime time={run.end_time ?? run.start_time ?? run.scheduled_time} />
      </span>
    </li>
  )
}

function Queues({ namespace }: { namespace?: string[] }) {
  const queues = useInfiniteQuery(workQueuePages(namespace))
  const items = queues.data?.pages.flatMap((page) => page.items) ?? []
  if (items.length === 0) return null
  return (
    <section className={`card ${classes.part}`} aria-label="Work queues">
      <h2 className={classes.heading}>Work queues</h2>
      <ul className={classes.queues}>
        {items.slice(0, 12).map((queue) => (
          <QueueLine key={queue.id} queue={queue} />
        ))}
      </ul>
    </section>
  )
}

function QueueLine({ queue }: { queue: WorkQueue }) {
  const limit = queue.spec.concurrencyLimit
  return (
    <li className={classes.queue}>
      <Layers size={16} className="muted" aria-hidden />
      <Link to="/flow-runs" search={{ queue: [queue.name] }} className="plain cut" style={{ fontWeight: 550 }} title={queue.name}>
        {queue.name}
      </Link>
      {queue.spec.paused && <span style={{ color: 'var(--state-paused-text)' }}>paused</span>}
      <span className={`numbers muted ${classes.queueCounts}`}>
        {queue.late > 0 && <b style={{ color: 'var(--state-late-text)' }}>{queue.late.toLocaleString('en')} late</b>}
        <span>{queue.queued.toLocaleString('en')} waiting</span>
        <span>
          {queue.running.toLocaleString('en')}
          {limit != null && ` of ${limit.toLocaleString('en')}`} running
        </span>
      </span>
    </li>
  )
}
