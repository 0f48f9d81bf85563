/** Durations of runs over time, as points by state. Pure; the chart draws what this gives. */
import type { FlowRun, StateType } from '../api/types'
import { STACK } from './histogram'

export interface Scatter {
  /** The runs in the order of their start. */
  runs: FlowRun[]
  /** When each started, in seconds. */
  starts: number[]
  /** For each state that occurs, the duration of its runs in seconds, null for those of other states. */
  series: { type: StateType; seconds: (number | null)[] }[]
}

/** The least duration that is shown, in seconds: a logarithmic axis has no zero. */
export const LEAST = 0.001

export function scatterRuns(given: readonly FlowRun[]): Scatter {
  const runs = given
    .filter((run) => run.start_time != null && run.end_time != null)
    .sort((a, b) => Date.parse(a.start_time!) - Date.parse(b.start_time!))
  const durations = runs.map((run) => Math.max(LEAST, (Date.parse(run.end_time!) - Date.parse(run.start_time!)) / 1000))
  const series = STACK.filter((type) => runs.some((run) => run.state.type === type)).map((type) => ({
    type,
    seconds: runs.map((run, index) => (run.state.type === type ? durations[index]! : null)),
  }))
  return { runs, starts: runs.map((run) => Date.parse(run.start_time!) / 1000), series }
}
