/** Builders of what the API answers, for tests: give what matters, the rest is plain. */
import type { FlowRun, Log, Schedule, StateType, TaskRun } from '../api/types'

const START = Date.parse('2026-03-01T10:00:00Z')
export const at = (seconds: number): string => new Date(START + seconds * 1000).toISOString()

let count = 0
const nextId = () => `00000000-0000-7000-8000-${String((count += 1)).padStart(12, '0')}`

export function makeTask(fields: Partial<TaskRun> & { type?: StateType } = {}): TaskRun {
  const { type = 'COMPLETED', ...rest } = fields
  return {
    id: nextId(),
    flow_run_id: null,
    task: 'extract',
    name: 'extract-0',
    state: { type, name: type.charAt(0) + type.slice(1).toLowerCase(), time: at(0) },
    tags: [],
    inputs: {},
    run_count: 1,
    created: at(0),
    start_time: at(0),
    end_time: at(1),
    details: {},
    ...rest,
  }
}

export function makeRun(fields: Partial<FlowRun> & { type?: StateType } = {}): FlowRun {
  const { type = 'COMPLETED', ...rest } = fields
  return {
    id: nextId(),
    namespace: 'default',
    name: 'calm-otter',
    flow_id: nextId(),
    flow_name: 'etl',
    state: { type, name: type.charAt(0) + type.slice(1).toLowerCase(), time: at(0) },
    parameters: {},
    tags: [],
    attempt: 0,
    attempts: [],
    run_count: 1,
    tasks: { total: 0, running: 0, completed: 0, failed: 0 },
    created: at(0),
    start_time: at(0),
    end_time: at(1),
    revision: 1,
    ...rest,
  }
}

export function makeLog(id: number, fields: Partial<Log> = {}): Log {
  return { id, level: 20, logger: 'towpath.flow_runs', message: `line ${id}`, time: at(id), ...fields }
}

export function makeSchedule(fields: Partial<Schedule>): Schedule {
  return { name: 'nightly', dayOr: true, missedRuns: 'Latest', parameters: {}, paused: false, timezone: 'UTC', ...fields }
}
