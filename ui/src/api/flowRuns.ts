/** Flow runs: lists, one, its states, and what can be done with one. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'

import type { FlowRunQuery, SortBy } from '../lib/filters'
import { ask, client, type Schemas } from './client'
import type { BulkDone, FlowRun, Histogram, Page, RunDurations, StateRead } from './types'

export const PAGE_SIZE = 100

export const flowRunKeys = {
  all: ['flow-runs'] as const,
  lists: ['flow-runs', 'list'] as const,
  one: (id: string) => ['flow-runs', 'one', id] as const,
  states: (id: string) => ['flow-runs', 'states', id] as const,
}

export function listFlowRuns(query: FlowRunQuery, limit: number, cursor?: string, signal?: AbortSignal, sort?: SortBy) {
  return ask<Page<FlowRun>>(client.GET('/api/flow-runs', { params: { query: { ...query, sort, limit, cursor } }, signal }))
}

export const flowRunPages = (query: FlowRunQuery, sort?: SortBy) =>
  infiniteQueryOptions({
    queryKey: [...flowRunKeys.lists, 'pages', query, sort] as const,
    queryFn: ({ pageParam, signal }) => listFlowRuns(query, PAGE_SIZE, pageParam, signal, sort),
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

/** By how much days of the reader's time zone begin later than those of UTC, in seconds. */
const offsetSeconds = () => new Date().getTimezoneOffset() * 60

/** Runs over time by state, counted by the server. */
export const flowRunHistogram = (query: FlowRunQuery) =>
  queryOptions({
    queryKey: [...flowRunKeys.lists, 'first', query, 'histogram'] as const,
    queryFn: ({ signal }) => ask<Histogram>(client.GET('/api/flow-runs/histogram', { params: { query: { ...query, offset_seconds: offsetSeconds() } }, signal })),
    placeholderData: keepPreviousData,
  })

/** Runs of each day of the reader's time zone by state. */
export const flowRunsByDay = (query: FlowRunQuery) =>
  queryOptions({
    queryKey: [...flowRunKeys.lists, 'first', query, 'days'] as const,
    queryFn: ({ signal }) =>
      ask<Histogram>(client.GET('/api/flow-runs/histogram', { params: { query: { ...query, bucket_seconds: 86_400, offset_seconds: offsetSeconds() } }, signal })),
    placeholderData: keepPreviousData,
  })

export interface TaskRunTimes {
  namespace?: string[]
  since?: string
  until?: string
}

/** Task runs over time by state. */
export const taskRunHistogram = (query: TaskRunTimes) =>
  queryOptions({
    queryKey: [...flowRunKeys.lists, 'first', query, 'task-histogram'] as const,
    queryFn: ({ signal }) => ask<Histogram>(client.GET('/api/task-runs/histogram', { params: { query: { ...query, offset_seconds: offsetSeconds() } }, signal })),
    placeholderData: keepPreviousData,
  })

/** How long runs took; of many a sample that is spread over the time. */
export const flowRunDurations = (query: FlowRunQuery) =>
  queryOptions({
    queryKey: [...flowRunKeys.lists, 'first', query, 'durations'] as const,
    queryFn: ({ signal }) => ask<RunDurations>(client.GET('/api/flow-runs/durations', { params: { query }, signal })),
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

export function deleteFlowRun(id: string): Promise<unknown> {
  return ask(client.DELETE('/api/flow-runs/{run_id}', { params: { path: { run_id: id } } }))
}

const MOST_AT_ONCE = 1_000

/** Cancels or deletes many runs, however many, and says what became of them. */
export async function actOnMany(action: 'cancel' | 'delete', ids: readonly string[]): Promise<BulkDone> {
  const all: Required<BulkDone> = { done: 0, refused: [] }
  for (let at = 0; at < ids.length; at += MOST_AT_ONCE) {
    const body = { ids: ids.slice(at, at + MOST_AT_ONCE) }
    const part = await ask<BulkDone>(action === 'cancel' ? client.POST('/api/flow-runs/cancel', { body }) : client.POST('/api/flow-runs/delete', { body }))
    all.done += part.done
    all.refused.push(...part.refused)
  }
  return all
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
