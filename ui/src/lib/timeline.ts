/**
 * Lays a run's task runs out in time: which row, from when to when, with the tasks of opened subflows under the task that
 * called them. Pure; the timeline component draws what this gives.
 */
import type { FlowRun, RunState, TaskRun } from '../api/types'

export interface Bar {
  id: string
  kind: 'task' | 'flow'
  name: string
  state: RunState | null
  /** Milliseconds; null for what has not started. */
  start: number | null
  /** Milliseconds; null for what goes on. */
  end: number | null
  depth: number
  /** The subflow that this row can be opened to show. */
  subflow?: string
  retries: number
}

/** What is known of one flow run: its task runs, and the subflows that they called. */
export interface Branch {
  tasks: readonly TaskRun[]
  subflows: readonly FlowRun[]
}

/**
 * The rows from top to bottom, by when they began; what has not begun comes last.
 *
 * @param opened the subflows whose tasks are shown, by flow run id; those that have not loaded show nothing yet.
 */
export function layOut(branch: Branch, opened: ReadonlyMap<string, Branch>, depth = 0): Bar[] {
  const called = new Map<string, FlowRun>()
  for (const run of branch.subflows) if (run.parent_task_run_id != null) called.set(run.parent_task_run_id, run)
  const bars: Bar[] = []
  for (const task of [...branch.tasks].sort(byStart)) {
    const subflow = called.get(task.id)
    bars.push({
      id: task.id,
      kind: subflow === undefined ? 'task' : 'flow',
      name: task.name,
      state: task.state ?? null,
      start: millis(task.start_time),
      end: millis(task.end_time),
      depth,
      subflow: subflow?.id,
      retries: Math.max(0, task.run_count - 1),
    })
    const inner = subflow === undefined ? undefined : opened.get(subflow.id)
    if (inner !== undefined) bars.push(...layOut(inner, opened, depth + 1))
  }
  return bars
}

const millis = (time: string | null | undefined) => (time == null ? null : Date.parse(time))

function byStart(a: TaskRun, b: TaskRun): number {
  const [first, second] = [a.start_time, b.start_time]
  if (first == null || second == null) {
    if (first == null && second == null) return a.created < b.created ? -1 : a.created > b.created ? 1 : 0
    return first == null ? 1 : -1
  }
  return first < second ? -1 : first > second ? 1 : a.id < b.id ? -1 : 1
}

export interface Span {
  from: number
  to: number
}

/** The time that the timeline covers: from the run's start to its end, or to `now`; never empty. */
export function spanOf(run: { start_time?: string | null; end_time?: string | null; created: string }, bars: readonly Bar[], now: number): Span {
  let from = Date.parse(run.start_time ?? run.created)
  let to = run.end_time == null ? now : Date.parse(run.end_time)
  for (const bar of bars) {
    if (bar.start !== null && bar.start < from) from = bar.start
    if (bar.end !== null && bar.end > to) to = bar.end
  }
  return { from, to: Math.max(to, from + 1) }
}

const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000,
  1_800_000, 3_600_000, 7_200_000, 14_400_000, 21_600_000, 43_200_000, 86_400_000,
]

/** Where the axis has its lines, as milliseconds after the start: round numbers, at least `least` pixels apart. */
export function ticksOf(span: Span, width: number, least = 90): number[] {
  const length = span.to - span.from
  const wanted = (length * least) / Math.max(width, 1)
  const step = STEPS.find((each) => each >= wanted) ?? Math.ceil(wanted / 86_400_000) * 86_400_000
  const ticks: number[] = []
  for (let at = 0; at <= length; at += step) ticks.push(at)
  return ticks
}
