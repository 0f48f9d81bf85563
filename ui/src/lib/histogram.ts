/** Counts runs over time by state. Pure; the chart draws what this gives. */
import type { FlowRun, StateType } from '../api/types'

export interface Histogram {
  /** The start of each bucket, in milliseconds. */
  starts: number[]
  /** The length of a bucket, in milliseconds. */
  step: number
  /** For each state that occurs, its count in each bucket; in the order in which they are stacked, from below. */
  series: { type: StateType; counts: number[] }[]
}

/** From below: what ended well, what goes on, what waits, what did not end well on top where it is seen. */
export const STACK: readonly StateType[] = ['COMPLETED', 'RUNNING', 'PENDING', 'SCHEDULED', 'PAUSED', 'CANCELLING', 'CANCELLED', 'CRASHED', 'FAILED']

const MINUTE = 60_000
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 10_080].map((minutes) => minutes * MINUTE)

/** The least step that needs no more than `most` buckets. */
export function stepFor(from: number, to: number, most = 60): number {
  return STEPS.find((step) => (to - from) / step <= most) ?? STEPS.at(-1)!
}

type Counted = Pick<FlowRun, 'state' | 'start_time' | 'scheduled_time' | 'created'>

/** The time that a run counts at: when it started, or is expected to. */
export function timeOf(run: Counted): number {
  return Date.parse(run.start_time ?? run.scheduled_time ?? run.created)
}

/** Counts `runs` between `from` and `to`; what lies outside is left out. */
export function countRuns(runs: readonly Counted[], from: number, to: number, most = 60): Histogram {
  const step = stepFor(from, to, most)
  const first = Math.floor(from / step) * step
  const size = Math.max(1, Math.ceil((to - first) / step))
  const starts = Array.from({ length: size }, (_, index) => first + index * step)
  const counts = new Map<StateType, number[]>()
  for (const run of runs) {
    const index = Math.floor((timeOf(run) - first) / step)
    if (index < 0 || index >= size) continue
    const row = counts.get(run.state.type) ?? new Array<number>(size).fill(0)
    row[index]! += 1
    counts.set(run.state.type, row)
  }
  const series = STACK.flatMap((type) => {
    const row = counts.get(type)
    return row === undefined ? [] : [{ type, counts: row }]
  })
  return { starts, step, series }
}

/** The counts of each series with all those beneath it added: the height at which each one ends. */
export function stacked(histogram: Histogram): number[][] {
  const heights: number[][] = []
  for (const { counts } of histogram.series) {
    const below = heights.at(-1)
    heights.push(counts.map((count, index) => count + (below?.[index] ?? 0)))
  }
  return heights
}

/** The share of ended runs that completed, 0 to 1; undefined when none has ended. */
export function successRate(counts: Partial<Record<StateType, number>>): number | undefined {
  const good = counts.COMPLETED ?? 0
  const ended = good + (counts.FAILED ?? 0) + (counts.CRASHED ?? 0)
  return ended === 0 ? undefined : good / ended
}
