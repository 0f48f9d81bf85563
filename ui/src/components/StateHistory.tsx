/** The states a run went through, oldest first, with those that were told but did not count. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query'

import { flowRunStatesQuery } from '../api/flowRuns'
import { usePolling } from '../api/live'
import { taskRunStatesQuery } from '../api/taskRuns'
import type { Page, StateRead } from '../api/types'
import { formatClock, formatExact } from '../lib/times'
import { Json } from './Json'
import { ErrorState, RowsSkeleton } from './Notices'
import { StateBadge } from './StateBadge'
import classes from './StateHistory.module.css'

export function FlowRunHistory({ id }: { id: string }) {
  return <History states={useQuery(flowRunStatesQuery(id))} />
}

export function TaskRunHistory({ id, live }: { id: string; live: boolean }) {
  return <History states={useQuery({ ...taskRunStatesQuery(id), refetchInterval: usePolling(1_000, live) })} />
}

function History({ states }: { states: UseQueryResult<Page<StateRead>> }) {
  if (states.isPending) return <RowsSkeleton rows={4} height={40} />
  if (states.isError) return <ErrorState error={states.error} retry={() => void states.refetch()} />
  return (
    <ol className={`card ${classes.states}`}>
      {states.data.items.map((state) => (
        <li key={state.id} data-refused={!state.applied || undefined}>
          <time className="numbers muted" dateTime={state.time} title={formatExact(Date.parse(state.time))}>
            {formatClock(Date.parse(state.time))}
          </time>
          <StateBadge state={state} />
          <div className={classes.rest}>
            {!state.applied && <em className="muted">Did not count: told by an attempt that was superseded, or not allowed then. </em>}
            {state.attempt > 0 && <span className="muted">Attempt {state.attempt}. </span>}
            {state.message != null && <bdi className="wrap">{state.message}</bdi>}
            {Object.keys(state.details).length > 0 && (
              <details>
                <summary>Details</summary>
                <Json value={state.details} what="details" />
              </details>
            )}
          </div>
        </li>
      ))}
    </ol>
  )
}
