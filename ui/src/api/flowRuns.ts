/** Flow runs: lists, one, its states, and what can be done with one. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'

import type { FlowRunQuery } from '../lib/filters'
import { ask, client, type Schemas } from './client'
import type { FlowRun, Page, StateRead } from './types'

export const PAGE_SIZE = 100

export const flowRunKeys = {
  all: ['flow-runs'] as const,
  lists: ['flow-runs', 'list'] as const,
  one: (id: string) => ['flow-runs', 'one', id] as const,
  states: (id: string) => ['flow-runs', 'states', id] as const,
}

export function listFlowRuns(query: FlowRunQuery, limit: number, cursor?: string, signal?: AbortSignal) {
  return ask<Page<FlowRun>>(client.GET('/api/flow-runs', { params: { query: { ...query, limit, cursor } }, signal }))
}

export const flowRunPages = (query: FlowRunQuery) =>
  infiniteQueryOptions({
    queryKey: [...flowRunKeys.lists, 'pages', query] as const,
    queryFn: ({ pageParam, signal }) => listFlowRuns(query, PAGE_SIZE, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  })

/** The first page of a list, for summaries. */
export const flowRunsQuery = (query: FlowRunQuery, limit: number) =>
  queryOptions({
    queryKey: [...flowRunKeys.lists, 'first', query, limit] as const,
    queryFn: ({ signal }) => listFlowRuns(query, limit, undefined, signal),
    placeholderData: keepPreviousData,
  })

const SAMPLE_PAGE = 1_000
const SAMPLE_PAGES = 2

/** The newest matching runs, up to a bound: for charts over time. `capped` says that there are more. */
export const flowRunSample = (query: FlowRunQuery) =>
  queryOptions({
    queryKey: [...flowRunKeys.lists, 'first', query, 'sample'] as const,
    queryFn: async ({ signal }) => {
      const runs: FlowRun[] = []
      let cursor: string | undefined
      for (let page = 0; page < SAMPLE_PAGES; page += 1) {
        const found = await listFlowRuns(query, SAMPLE_PAGE, cursor, signal)
        runs.push(...found.items)
        cursor = found.next_cursor ?? undefined
        if (cursor === undefined) break
      }
      return { runs, capped: cursor !== undefined }
    },
    placeholderData: keepPreviousData,
  })

export const flowRunQuery = (id: string) =>
  queryOptions({
    queryKey: flowRunKeys.one(id),
    queryFn: ({ signal }) =>
      ask<FlowRun>(client.GET('/api/flow-runs/{run_id}', { params: { path: { run_id: id } }, signal })),
  })

export const flowRunStatesQuery = (id: string) =>
  queryOptions({
    queryKey: flowRunKeys.states(id),
    queryFn: ({ signal }) =>
      ask<Page<StateRead>>(client.GET('/api/flow-runs/{run_id}/states', { params: { path: { run_id: id } }, signal })),
  })

export function cancelFlowRun(id: string): Promise<FlowRun> {
  return ask<FlowRun>(client.POST('/api/flow-runs/{run_id}/cancel', { params: { path: { run_id: id } } }))
}

/** `pause` keeps the run's process waiting; `suspend` ends it, and resuming launches the run again. */
export function pauseFlowRun(id: string, how: 'pause' | 'suspend'): Promise<FlowRun> {
  const params = { params: { path: { run_id: id } } }
  return ask<FlowRun>(how === 'pause' ? client.POST('/api/flow-runs/{run_id}/pause', params) : client.POST('/api/flow-runs/{run_id}/suspend', params))
}

/** @param input what the run waits for; undefined where it waits for none. */
export function resumeFlowRun(id: string, input: Record<string, unknown> | undefined): Promise<FlowRun> {
  const body = input === undefined ? undefined : { run_input: input }
  return ask<FlowRun>(client.POST('/api/flow-runs/{run_id}/resume', { params: { path: { run_id: id } }, body }))
}

export function retryFlowRun(id: string): Promise<FlowRun> {
  return ask<FlowRun>(client.POST('/api/flow-runs/{run_id}/retry', { params: { path: { run_id: id } } }))
}

/** What a person asks for when starting a run; the rest of FlowRunCreate has defaults. */
export interface RunRequest {
  name?: string
  parameters?: Record<string, unknown>
  tags?: string[]
  scheduled_time?: string
  idempotency_key?: string
}

export function startFlowRun(deploymentId: string, request: RunRequest): Promise<FlowRun> {
  return ask<FlowRun>(
    client.POST('/api/deployments/{deployment_id}/flow-runs', {
      params: { path: { deployment_id: deploymentId } },
      // The generated type asks for fields that have defaults, too.
      body: request as Schemas['FlowRunCreate'],
    }),
  )
}
