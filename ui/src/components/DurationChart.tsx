/** How long runs took, over when they started: a point for each, in the colour of its state. A point leads to its run. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useCallback, useMemo, useState } from 'react'
import type uPlot from 'uplot'

import { flowRunDurations } from '../api/flowRuns'
import type { RunDuration } from '../api/types'
import type { FlowRunQuery } from '../lib/filters'
import { scatterRuns } from '../lib/scatter'
import { toneOf } from '../lib/states'
import { formatDuration, formatIn } from '../lib/times'
import { Chart } from './Chart'
import classes from './Histogram.module.css'
import { StateBadge } from './StateBadge'

const HEIGHT = 170
const NEAR = 24
const AXIS_WIDTH = 56

export function DurationChart({ query }: { query: FlowRunQuery }) {
  const sample = useQuery(flowRunDurations(query))
  const navigate = useNavigate()
  const scatter = useMemo(() => scatterRuns(sample.data?.items ?? []), [sample.data])
  const [near, setNear] = useState<{ run: RunDuration; left: number } | null>(null)
  const { runs, starts, series } = scatter
  const data = useMemo<uPlot.AlignedData>(() => [starts, ...series.map(({ seconds }) => seconds)], [starts, series])
  const options = useCallback(
    (width: number, color: (variable: string) => string): uPlot.Options => {
      const axis = { stroke: color('--muted'), font: '11.5px system-ui, sans-serif', grid: { stroke: color('--hair-canvas'), width: 1 }, ticks: { show: false } }
      const find = (chart: uPlot) => nearest(chart, scatter)
      return {
        width,
        height: HEIGHT,
        padding: [8, 12, 0, 0],
        legend: { show: false },
        scales: { x: { time: true }, y: { distr: 3, log: 10 } },
        axes: [
          { ...axis, size: 26, space: 90, values: (_, times) => times.map((time) => formatIn(time * 1000)) },
          { ...axis, size: AXIS_WIDTH, values: (_, all) => all.map((seconds) => (seconds === null ? '' : formatDuration(seconds * 1000))) },
        ],
        series: [{}, ...series.map(({ type }): uPlot.Series => points(color(`--state-${toneOf(type)}`)))],
        cursor: { x: false, y: false, points: { show: false }, drag: { x: false, y: false } },
        hooks: {
          setCursor: [
            (chart) => {
              const run = find(chart)
              chart.over.style.cursor = run === undefined ? '' : 'pointer'
              setNear(run === undefined ? null : { run, left: (chart.cursor.left ?? 0) + AXIS_WIDTH })
            },
          ],
          ready: [
            (chart) =>
              chart.over.addEventListener('click', () => {
                const run = find(chart)
                if (run !== undefined) void navigate({ to: '/flow-runs/$id', params: { id: run.id } })
              }),
          ],
        },
      }
    },
    [scatter, series, navigate],
  )
  if (sample.data !== undefined && runs.length === 0) return null
  return (
    <section className="card" style={{ padding: '10px 14px 4px', flex: 'none' }} aria-label="Durations">
      <div className={classes.histogram}>
        <Chart options={options} data={data} height={HEIGHT} label={`Durations of ${runs.length} runs over time`} />
        {near !== null && (
          <div className={`card ${classes.tip}`} style={{ left: `clamp(4px, ${near.left + 10}px, calc(100% - 176px))` }}>
            <strong className="cut">{near.run.name}</strong>
            <StateBadge state={{ type: near.run.state_type, name: near.run.state_name }} />
            <span className="numbers">{formatDuration(near.run.seconds * 1000)}</span>
          </div>
        )}
      </div>
    </section>
  )
}

function points(color: string): uPlot.Series {
  return { stroke: color, fill: color, paths: () => null, points: { show: true, size: 6, fill: color, stroke: color, width: 0 } }
}

/** The run whose point is nearest to the cursor, if one is near. */
function nearest(chart: uPlot, { runs, starts, series }: ReturnType<typeof scatterRuns>): RunDuration | undefined {
  const { left = -1, top = -1 } = chart.cursor
  if (left < 0) return undefined
  let [best, found] = [NEAR * NEAR, -1]
  series.forEach(({ seconds }) =>
    seconds.forEach((value, index) => {
      if (value === null) return
      const distance = (chart.valToPos(starts[index] ?? 0, 'x') - left) ** 2 + (chart.valToPos(value, 'y') - top) ** 2
      if (distance < best) [best, found] = [distance, index]
    }),
  )
  return runs[found]
}
