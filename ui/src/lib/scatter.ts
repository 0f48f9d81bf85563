/** Durations of runs over time, as points by state. Pure; the chart draws what this gives. */
import type { RunDuration, StateType } from '../api/types'
import { STACK } from './histogram'

export interface Scatter {
  /** The runs in the order of their start. */
  runs: readonly RunDuration[]
  /** When each started, in seconds. */
  starts: number[]
  /** For each state that occurs, the duration of its runs in seconds, null for those of other states. */
  series: { type: StateType; seconds: (number | null)[] }[]
}

/** The least duration that is shown, in seconds: a logarithmic axis has no zero. */
export const LEAST = 0.001

export function scatterRuns(runs: readonly RunDuration[]): Scatter {
  const series = STACK.filter((type) => runs.some((run) => run.state_type === type)).map((type) => ({
    type,
    seconds: runs.map((run) => (run.state_type === type ? Math.max(LEAST, run.seconds) : null)),
  }))
  return { runs, starts: runs.map((run) => Date.parse(run.start_time) / 1000), series }
}
