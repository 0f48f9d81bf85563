/** Runs over time by state, as stacked bars. A bar, or a span that is drawn over several, leads to its runs. */
import { useCallback, useMemo, useState } from 'react'
import uPlot from 'uplot'

import { type Histogram as Counts, stacked } from '../lib/histogram'
import { toneOf } from '../lib/states'
import { formatIn } from '../lib/times'
import { Chart } from './Chart'
import classes from './Histogram.module.css'
import { StateIcon } from './StateBadge'

const HEIGHT = 190

interface Props {
  histogram: Counts
  label?: string
  /** Called with the bounds, in milliseconds, of what a person picks; without it nothing can be picked. */
  onPick?: (from: number, to: number) => void
}

export function Histogram({ histogram, label = 'Runs over time', onPick }: Props) {
  const [at, setAt] = useState<{ index: number; left: number } | null>(null)
  const { starts, step, series } = histogram
  const data = useMemo<uPlot.AlignedData>(
    // The highest first: each is drawn from the ground, and the lower ones are drawn over it.
    () => [starts.map((start) => start / 1000), ...stacked(histogram).reverse()],
    [starts, histogram],
  )
  const options = useCallback(
    (width: number, color: (variable: string) => string): uPlot.Options => ({
      width,
      height: HEIGHT,
      padding: [8, 24, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: true, range: () => [(starts[0] ?? 0) / 1000, ((starts.at(-1) ?? 0) + step) / 1000] },
        y: { range: (_, __, max) => [0, Math.max(max, 4)] },
      },
      axes: [{ ...axis(color), size: 26, values: (_, times) => times.map((time) => tickLabel(time * 1000, step)) }, { ...axis(color), size: 40, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000] }],
      series: [{}, ...[...series].reverse().map(({ type }) => bars(color(`--state-${toneOf(type)}`)))],
      cursor: { y: false, points: { show: false }, drag: { x: onPick !== undefined, y: false, setScale: false } },
      hooks: {
        setCursor: [
          (chart) => {
            const left = chart.cursor.left ?? -1
            const index = left < 0 ? -1 : Math.floor((chart.posToVal(left, 'x') * 1000 - (starts[0] ?? 0)) / step)
            setAt(index >= 0 && index < starts.length ? { index, left: chart.valToPos(((starts[index] ?? 0) + step / 2) / 1000, 'x') + 40 } : null)
          },
        ],
        setSelect: [
          (chart) => {
            if (chart.select.width < 4 || onPick === undefined) return
            const bound = (left: number) => chart.posToVal(left, 'x') * 1000
            onPick(bound(chart.select.left), bound(chart.select.left + chart.select.width))
          },
        ],
        ready: [
          (chart) => {
            if (onPick === undefined) return
            chart.over.style.cursor = 'pointer'
            chart.over.addEventListener('click', (event) => {
              if (chart.select.width >= 4) return
              const index = Math.floor((chart.posToVal(event.offsetX, 'x') * 1000 - (starts[0] ?? 0)) / step)
              const start = starts[index]
              if (start !== undefined) onPick(start, start + step)
            })
          },
        ],
      },
    }),
    [starts, step, series, onPick],
  )
  return (
    <div className={classes.histogram}>
      <Chart options={options} data={data} height={HEIGHT} label={describe(histogram, label)} />
      {at !== null && <Tip histogram={histogram} {...at} />}
    </div>
  )
}

function axis(color: (variable: string) => string): uPlot.Axis {
  return {
    stroke: color('--muted'),
    font: '11.5px system-ui, sans-serif',
    grid: { stroke: color('--hair-canvas'), width: 1 },
    ticks: { show: false },
  }
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })

/** The hour within a day or so, else the day; midnight names its day in both. */
function tickLabel(time: number, step: number): string {
  const at = new Date(time)
  const midnight = at.getHours() === 0 && at.getMinutes() === 0
  return step > 3_600_000 || midnight ? day.format(at) : clock.format(at)
}

function bars(fill: string): uPlot.Series {
  return { fill, stroke: fill, width: 0, points: { show: false }, paths: uPlot.paths.bars!({ size: [0.82, 40], align: 1 }) }
}

function Tip({ histogram, index, left }: { histogram: Counts; index: number; left: number }) {
  const start = histogram.starts[index] ?? 0
  const found = [...histogram.series].reverse().filter(({ counts }) => (counts[index] ?? 0) > 0)
  return (
    <div className={`card ${classes.tip}`} style={{ left: `clamp(4px, ${left}px, calc(100% - 176px))` }}>
      <strong>{formatIn(start)}</strong>
      {found.length === 0 && <span className="muted">No run</span>}
      {found.map(({ type, counts }) => (
        <span key={type} className={classes.tipRow}>
          <StateIcon type={type} size={14} /> {type.charAt(0) + type.slice(1).toLowerCase()}
          <b className="numbers">{counts[index]}</b>
        </span>
      ))}
    </div>
  )
}

function describe({ series }: Counts, label: string): string {
  const totals = series.map(({ type, counts }) => `${counts.reduce((sum, count) => sum + count, 0)} ${type.toLowerCase()}`)
  return totals.length === 0 ? `${label}: none` : `${label}: ${totals.join(', ')}`
}
