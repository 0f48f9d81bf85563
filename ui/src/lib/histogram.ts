/** Runs over time by state. Pure; the chart draws what this gives. */
import type { Histogram as Counted, StateType } from '../api/types'

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

/** What the server counted, as the chart draws it. */
export function toCounts(read: Counted): Histogram {
  const starts = read.items.map((bucket) => Date.parse(bucket.start))
  const series = STACK.flatMap((type) => {
    const counts = read.items.map((bucket) => bucket.counts[type] ?? 0)
    return counts.some((count) => count > 0) ? [{ type, counts }] : []
  })
  return { starts, step: read.bucket_seconds * 1000, series }
}

/** How many there are in each state over the whole time. */
export function totals(histogram: Histogram): Partial<Record<StateType, number>> {
  return Object.fromEntries(histogram.series.map(({ type, counts }) => [type, counts.reduce((sum, count) => sum + count, 0)]))
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
