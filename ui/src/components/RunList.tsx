/**
 * A list of flow runs of any length: only rows in sight are in the page, further ones are asked for as they come near.
 * Used by the Flow Runs page and by the pages of a flow, a deployment and a run's subflows.
 */
import { Button, Checkbox } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { type ReactNode, useEffect, useMemo, useRef } from 'react'

import { flowRunPages } from '../api/flowRuns'
import type { FlowRun } from '../api/types'
import type { FlowRunQuery, SortBy } from '../lib/filters'
import { ErrorState, RowsSkeleton } from './Notices'
import classes from './RunList.module.css'
import { StateBadge } from './StateBadge'
import { Tags } from './Tags'
import { Duration, RelativeTime } from './Times'

const ROW = 56
const NEAR = 20

export interface Selection {
  chosen: ReadonlySet<string>
  toggle: (run: FlowRun) => void
  /** Chooses all of these, or none. */
  set: (runs: readonly FlowRun[], wanted: boolean) => void
}

interface Props {
  query: FlowRunQuery
  sort?: SortBy
  /** Given where the list may be sorted by its heads. */
  onSort?: (sort: SortBy | undefined) => void
  empty: ReactNode
  selection?: Selection
  /** What stands above the list, beside how many runs match. */
  toolbar?: (runs: FlowRun[]) => ReactNode
  /** The most that the list takes of a page that scrolls as a whole, as a CSS height. */
  maxHeight?: string
}

export function RunList({ query, sort, onSort, empty, selection, toolbar, maxHeight }: Props) {
  const pages = useInfiniteQuery(flowRunPages(query, sort))
  const runs = useMemo(() => pages.data?.pages.flatMap((page) => page.items) ?? [], [pages.data])
  const box = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({
    count: runs.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    getItemKey: (index) => runs[index]?.id ?? index,
    overscan: 8,
  })
  const items = rows.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  const { hasNextPage, isFetchingNextPage, fetchNextPage, isFetchNextPageError } = pages
  useEffect(() => {
    if (last >= runs.length - NEAR && hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage()
  }, [last, runs.length, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage])

  if (pages.isPending) {
    return (
      <div className={classes.root}>
        <div className={classes.bar}>{toolbar?.([])}</div>
        <div className={`card ${classes.list}`}>
          <div className={classes.headRow}>
            <div className={classes.grid} />
          </div>
          <RowsSkeleton height={ROW} rows={10} />
        </div>
      </div>
    )
  }
  if (pages.isError && runs.length === 0) return <ErrorState error={pages.error} retry={() => void pages.refetch()} />
  const first = pages.data?.pages[0]
  return (
    <div className={classes.root}>
      {(runs.length > 0 || toolbar !== undefined) && (
        <div className={classes.bar}>
          <span className="muted numbers" role="status">
            {countLabel(first?.total ?? 0, first?.total_capped ?? false)}
          </span>
          {toolbar?.(runs)}
        </div>
      )}
      {runs.length === 0 ? (
        <div className="card">{empty}</div>
      ) : (
        <div ref={box} className={`card ${classes.list}`} style={{ maxHeight }} data-stale={pages.isPlaceholderData || undefined} role="table" aria-label="Flow runs" aria-rowcount={first?.total_capped === true ? -1 : (first?.total ?? -1)}>
          <div role="rowgroup" className={classes.headRow} data-select={selection !== undefined || undefined}>
            <div role="row" className={classes.grid}>
              {selection !== undefined && (
                <span role="columnheader" className={classes.check}>
                  <Checkbox
                    size="xs"
                    aria-label="Choose all runs that are loaded"
                    checked={runs.every((run) => selection.chosen.has(run.id))}
                    indeterminate={selection.chosen.size > 0 && !runs.every((run) => selection.chosen.has(run.id))}
                    onChange={(event) => selection.set(runs, event.currentTarget.checked)}
                  />
                </span>
              )}
              <SortHead label="Run" by="name" first="name" sort={sort} onSort={onSort} />
              <span role="columnheader">State</span>
              <span role="columnheader" className={classes.wide}>
                Deployment
              </span>
              <span role="columnheader" className={classes.wide}>
                Tags
              </span>
              <span role="columnheader" className={classes.number}>
                Tasks
              </span>
              <SortHead label="Start" by="expected" first="-expected" sort={sort} onSort={onSort} number />
              <SortHead label="Duration" by="duration" first="-duration" sort={sort} onSort={onSort} number />
            </div>
          </div>
          <div role="rowgroup" className={classes.rows} style={{ height: rows.getTotalSize() }} data-select={selection !== undefined || undefined}>
            {items.map((item) => {
              const run = runs[item.index]
              return run === undefined ? null : (
                <div
                  key={item.key}
                  role="row"
                  aria-rowindex={item.index + 1}
                  className={`${classes.row} ${classes.grid}`}
                  style={{ height: ROW, transform: `translateY(${item.start}px)` }}
                >
                  <Row run={run} selection={selection} />
                </div>
              )
            })}
          </div>
          {isFetchNextPageError && (
            <div className={classes.more}>
              Further runs could not be loaded.{' '}
              <Button size="compact-sm" variant="default" onClick={() => void fetchNextPage()}>
                Try again
              </Button>
            </div>
          )}
        </div>
      )}
    </div>
  )
}

interface HeadProps {
  label: string
  by: 'name' | 'expected' | 'duration'
  /** The order that the first press gives. */
  first: SortBy
  sort?: SortBy
  onSort?: (sort: SortBy | undefined) => void
  number?: boolean
}

function SortHead({ label, by, first, sort = '-expected', onSort, number = false }: HeadProps) {
  const active = sort.replace('-', '') === by
  const down = sort.startsWith('-')
  const Arrow = down ? ArrowDown : ArrowUp
  const press = () => {
    const next = !active ? first : down ? by : (`-${by}` as const)
    onSort?.(next === '-expected' ? undefined : next)
  }
  return (
    <span role="columnheader" className={number ? classes.number : undefined} aria-sort={active ? (down ? 'descending' : 'ascending') : undefined}>
      {onSort === undefined ? (
        label
      ) : (
        <button type="button" className={classes.sort} onClick={press} data-active={active || undefined}>
          {label} {active && <Arrow size={13} aria-hidden />}
        </button>
      )}
    </span>
  )
}

function Row({ run, selection }: { run: FlowRun; selection?: Selection }) {
  return (
    <>
      {selection !== undefined && (
        <span role="cell" className={classes.check}>
          <Checkbox size="xs" checked={selection.chosen.has(run.id)} onChange={() => selection.toggle(run)} aria-label={`Choose ${run.name}`} />
        </span>
      )}
      <span role="cell" className={classes.name}>
        <Link to="/flow-runs/$id" params={{ id: run.id }} className={`cut plain ${classes.run}`} title={run.name}>
          {run.name}
        </Link>
        <span className={`cut ${classes.flow}`} title={run.flow_name}>
          {run.flow_name}
        </span>
      </span>
      <span role="cell" className={classes.state}>
        <StateBadge state={run.state} />
      </span>
      <span role="cell" className={`cut ${classes.wide}`}>
        {run.deployment_id == null ? (
          <span className="muted">–</span>
        ) : (
          <Link to="/deployments/$id" params={{ id: run.deployment_id }} className="plain" title={run.deployment_name ?? ''}>
            {run.deployment_name}
          </Link>
        )}
      </span>
      <span role="cell" className={classes.wide}>
        {run.tags.length === 0 ? <span className="muted">–</span> : <Tags tags={run.tags} shown={2} />}
      </span>
      <span role="cell" className={`${classes.number} numbers`}>
        {run.tasks.total === 0 ? (
          <span className="muted">–</span>
        ) : (
          <>
            {run.tasks.failed > 0 && <span className={classes.failed}>{run.tasks.failed} failed · </span>}
            {run.tasks.completed.toLocaleString('en')}/{run.tasks.total.toLocaleString('en')}
          </>
        )}
      </span>
      <span role="cell" className={classes.number}>
        <RelativeTime time={run.start_time ?? run.scheduled_time ?? run.created} />
      </span>
      <span role="cell" className={classes.number}>
        <Duration run={run} />
      </span>
    </>
  )
}

function countLabel(total: number, capped: boolean): string {
  if (capped) return `More than ${total.toLocaleString('en')} runs`
  return total === 1 ? '1 run' : `${total.toLocaleString('en')} runs`
}
