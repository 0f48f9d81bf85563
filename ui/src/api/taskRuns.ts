/** Task runs and their states. */
import { queryOptions } from '@tanstack/react-query'

import { ask, client } from './client'
import type { Page, StateRead, TaskRun } from './types'

const ALL_PAGE = 1_000

export const taskRunKeys = {
  all: ['task-runs'] as const,
  ofFlowRun: (id: string) => ['task-runs', 'of', id] as const,
  one: (id: string) => ['task-runs', 'one', id] as const,
  states: (id: string) => ['task-runs', 'states', id] as const,
}

/** Every task run of a flow run, oldest first: the timeline, the graph and the table show the same ones. */
export const taskRunsOf = (flowRunId: string) =>
  queryOptions({
    queryKey: taskRunKeys.ofFlowRun(flowRunId),
    queryFn: async ({ signal }) => {
      const found: TaskRun[] = []
      let cursor: string | undefined
      do {
        const query = { flow_run_id: flowRunId, limit: ALL_PAGE, cursor }
        const page = await ask<Page<TaskRun>>(client.GET('/api/task-runs', { params: { query }, signal }))
        found.push(...page.items)
        cursor = page.next_cursor ?? undefined
      } while (cursor !== undefined)
      return found.reverse()
    },
  })

export const taskRunQuery = (id: string) =>
  queryOptions({
    queryKey: taskRunKeys.one(id),
    queryFn: ({ signal }) =>
      ask<TaskRun>(client.GET('/api/task-runs/{run_id}', { params: { path: { run_id: id } }, signal })),
  })

export const taskRunStatesQuery = (id: string) =>
  queryOptions({
    queryKey: taskRunKeys.states(id),
    queryFn: ({ signal }) =>
      ask<Page<StateRead>>(client.GET('/api/task-runs/{run_id}/states', { params: { path: { run_id: id } }, signal })),
  })
