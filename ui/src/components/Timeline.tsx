/**
 * The timeline of a run: one row for each task run, a bar from its start to its end. Rows are in the page only while in sight,
 * so a run with thousands of tasks scrolls as one with ten.
 */
import { ActionIcon, Tooltip } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { useQueries, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ChevronDown, ChevronRight, ZoomIn, ZoomOut } from 'lucide-react'
import { memo, useMemo, useRef, useState } from 'react'

import { flowRunsQuery } from '../api/flowRuns'
import { taskRunsOf } from '../api/taskRuns'
import type { FlowRun, TaskRun } from '../api/types'
import { useNow } from '../lib/clock'
import { isEnded, toneOf } from '../lib/states'
import { type Bar, type Branch, layOut, spanOf, ticksOf } from '../lib/timeline'
import { formatDuration } from '../lib/times'
import { StateIcon } from './StateBadge'
import classes from './Timeline.module.css'

const ROW = 28
/** Pixels after the last bar, for its duration. */
const END = 72
const MOST_SUBFLOWS = 1_000
const ZOOMS = [1, 2, 4, 8, 16, 32, 64] as const

interface Props {
  run: FlowRun
  tasks: readonly TaskRun[]
  hasSubflows: boolean
}

export function Timeline({ run, tasks, hasSubflows }: Props) {
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set())
  const [zoom, setZoom] = useState(0)
  const now = useNow(!isEnded(run.state.type))
  const bars = useBars(run, tasks, hasSubflows, opened)
  const span = useMemo(() => spanOf(run, bars, now), [run, bars, now])
  const { ref: measure, width: place } = useElementSize()
  const box = useRef<HTMLDivElement>(null)
  const labels = place < 640 ? 132 : 240
  const width = Math.max(120, place - labels - END) * (ZOOMS[zoom] ?? 1)
  const scale = width / (span.to - span.from)
  const ticks = useMemo(() => ticksOf(span, width), [span, width])
  const rows = useVirtualizer({
    count: bars.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    getItemKey: (index) => bars[index]?.id ?? index,
    overscan: 10,
  })
  const toggle = (id: string) => {
    const next = new Set(opened)
    if (!next.delete(id)) next.add(id)
    setOpened(next)
  }
  return (
    <div ref={measure} className={classes.timeline}>
      <div className={classes.zoom}>
        <Tooltip label="Show less time, larger">
          <ActionIcon variant="default" size="sm" aria-label="Zoom in" disabled={zoom === ZOOMS.length - 1} onClick={() => setZoom(zoom + 1)}>
            <ZoomIn size={14} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Show more time, smaller">
          <ActionIcon variant="default" size="sm" aria-label="Zoom out" disabled={zoom === 0} onClick={() => setZoom(zoom - 1)}>
            <ZoomOut size={14} />
          </ActionIcon>
        </Tooltip>
      </div>
      {place > 0 && (
        <div ref={box} className={classes.box} tabIndex={0} role="group" aria-label={`Timeline of ${bars.length} task runs`}>
          <div style={{ width: labels + width + END, minWidth: '100%' }}>
            <div className={classes.axis}>
              <div className={classes.corner} style={{ width: labels }} />
              {ticks.map((at) => (
                <span key={at} className={`numbers ${classes.tick}`} style={{ left: labels + at * scale }}>
                  {at === 0 ? '0' : formatDuration(at)}
                </span>
              ))}
            </div>
            <div className={classes.rows} style={{ height: rows.getTotalSize() }}>
              {ticks.map((at) => (
                <i key={at} className={classes.line} style={{ left: labels + at * scale }} />
              ))}
              {rows.getVirtualItems().map((item) => {
                const bar = bars[item.index]
                return bar === undefined ? null : (
                  <Row
                    key={item.key}
                    bar={bar}
                    top={item.start}
                    labels={labels}
                    from={span.from}
                    scale={scale}
                    now={bar.start !== null && bar.end === null ? span.to : 0}
                    open={bar.subflow !== undefined && opened.has(bar.subflow)}
                    onToggle={toggle}
                  />
                )
              })}
            </div>
          </div>
        </div>
      )}
    </div>
  )
}

/** The rows, with the tasks of opened subflows asked for as they are opened. */
function useBars(run: FlowRun, tasks: readonly TaskRun[], hasSubflows: boolean, opened: ReadonlySet<string>): Bar[] {
  const own = useQuery({ ...flowRunsQuery({ parent_flow_run_id: run.id }, MOST_SUBFLOWS), enabled: hasSubflows })
  const ids = useMemo(() => [...opened], [opened])
  const innerTasks = useQueries({ queries: ids.map((id) => taskRunsOf(id)) })
  const innerSubflows = useQueries({ queries: ids.map((id) => flowRunsQuery({ parent_flow_run_id: id }, MOST_SUBFLOWS)) })
  const branches = new Map<string, Branch>()
  ids.forEach((id, index) => {
    branches.set(id, { tasks: innerTasks[index]?.data ?? [], subflows: innerSubflows[index]?.data?.items ?? [] })
  })
  const subflows = own.data?.items
  const known = innerTasks.map((each) => each.dataUpdatedAt).join() + innerSubflows.map((each) => each.dataUpdatedAt).join()
  // `known` stands for what the queries of opened subflows hold: their result arrays are new at every render.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  return useMemo(() => layOut({ tasks, subflows: subflows ?? [] }, branches), [tasks, subflows, known, ids])
}

interface RowProps {
  bar: Bar
  top: number
  labels: number
  from: number
  scale: number
  /** The end of a bar that goes on; 0 for others, so that they need not be drawn anew each second. */
  now: number
  open: boolean
  onToggle: (id: string) => void
}

const Row = memo(function Row({ bar, top, labels, from, scale, now, open, onToggle }: RowProps) {
  const state = bar.state ?? { type: 'PENDING' as const, name: 'Pending' }
  const subflow = bar.subflow
  const end = bar.end ?? now
  const left = bar.start === null ? 0 : (bar.start - from) * scale
  const width = bar.start === null ? 0 : Math.max(3, (end - bar.start) * scale)
  const facts = bar.start === null ? 'not started' : formatDuration(end - bar.start)
  const more = bar.retries > 0 ? `, ${bar.retries} ${bar.retries === 1 ? 'retry' : 'retries'}` : ''
  return (
    <div className={classes.row} style={{ transform: `translateY(${top}px)` }}>
      <div className={classes.label} style={{ width: labels, paddingLeft: 12 + bar.depth * 16 }}>
        {subflow === undefined ? (
          <StateIcon type={state.type} name={state.name} size={14} label={state.name} />
        ) : (
          <button type="button" className={classes.opener} aria-expanded={open} aria-label={`${open ? 'Close' : 'Open'} ${bar.name}`} onClick={() => onToggle(subflow)}>
            {open ? <ChevronDown size={14} /> : <ChevronRight size={14} />}
          </button>
        )}
        <Link to={subflow === undefined ? '/task-runs/$id' : '/flow-runs/$id'} params={{ id: subflow ?? bar.id }} className="plain cut" title={bar.name} preload={false}>
          {bar.name}
        </Link>
      </div>
      {bar.start !== null && (
        <div
          className={classes.bar}
          data-kind={bar.kind}
          data-going={bar.end === null || undefined}
          data-cached={state.name === 'Cached' || undefined}
          style={{ left: labels + left, width, '--tone': `var(--state-${toneOf(state.type, state.name)})` } as React.CSSProperties}
          title={`${bar.name}: ${state.name}, ${facts}${more}`}
        >
          {bar.retries > 0 && <span className={classes.retries}>↻{bar.retries}</span>}
        </div>
      )}
      <span className={`numbers ${classes.after}`} style={{ left: labels + left + width + 6 }}>
        {facts}
      </span>
    </div>
  )
})
