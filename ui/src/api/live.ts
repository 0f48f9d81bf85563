/**
 * Keeps what is shown of runs current: one waiting request for each page, answered by the API as soon as a run changes.
 * Where the caller may not wait for changes, and while the server is away, open queries are asked anew on a slow clock.
 */
import type { InfiniteData, QueryClient } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'

import { ApiError, ask, client } from './client'
import { declaredKeys } from './declared'
import { flowRunKeys } from './flowRuns'
import { taskRunKeys } from './taskRuns'
import type { FlowRun, Page } from './types'

export type Connection = 'live' | 'polling' | 'lost'

const WAIT_SECONDS = 25
const POLL_MS = 5_000
const RETRY_MS = [1_000, 2_000, 5_000, 10_000] as const
/** Lists are asked anew no more often than this, however many runs change. */
const LIST_EVERY_MS = 1_000

let connection: Connection = 'live'
const listeners = new Set<() => void>()

function setConnection(next: Connection): void {
  if (next === connection) return
  connection = next
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Whether the page is told of changes (`live`), asks by itself (`polling`), or cannot reach the server (`lost`). */
export function useConnection(): Connection {
  return useSyncExternalStore(subscribe, () => connection)
}

/** Follows changes until the returned function is called. */
export function followChanges(queries: QueryClient): () => void {
  const abort = new AbortController()
  void follow(queries, abort.signal)
  return () => abort.abort()
}

async function follow(queries: QueryClient, signal: AbortSignal): Promise<void> {
  let cursor: number | undefined
  let failures = 0
  const refreshLists = throttled(LIST_EVERY_MS, () => invalidateLists(queries))
  while (!signal.aborted) {
    await visible(signal)
    try {
      const query = { cursor, wait_seconds: cursor === undefined ? 0 : WAIT_SECONDS }
      const changes = await ask(client.GET('/api/flow-runs/changes', { params: { query }, signal }))
      if (failures > 0) void queries.invalidateQueries() // what was missed while the server was away
      failures = 0
      setConnection('live')
      if (changes.items.length > 0) {
        applyChanges(queries, changes.items)
        refreshLists()
        await pause(200, signal) // a run that changes without end must not keep the page busy
      }
      cursor = changes.cursor
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && (error.status === 403 || error.status === 401)) {
        setConnection('polling')
        await pause(POLL_MS, signal)
        void queries.invalidateQueries({ type: 'active' })
        continue
      }
      setConnection('lost')
      await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? POLL_MS, signal)
      failures += 1
    }
  }
}

/** Lays changed runs over what is cached, and asks anew for what hangs on them. */
export function applyChanges(queries: QueryClient, changed: readonly FlowRun[]): void {
  const byId = new Map(changed.map((run) => [run.id, run]))
  for (const run of changed) {
    const before = queries.getQueryData<FlowRun>(flowRunKeys.one(run.id))
    if (before !== undefined && before.revision < run.revision) queries.setQueryData(flowRunKeys.one(run.id), run)
    void queries.invalidateQueries({ queryKey: flowRunKeys.states(run.id) })
    void queries.invalidateQueries({ queryKey: taskRunKeys.ofFlowRun(run.id) })
  }
  queries.setQueriesData<InfiniteData<Page<FlowRun>>>({ queryKey: [...flowRunKeys.lists, 'pages'] }, (data) =>
    data === undefined ? data : replaceRuns(data, byId),
  )
}

/** The pages with changed runs in the places they had; the same object when none of them is on a page. */
export function replaceRuns(data: InfiniteData<Page<FlowRun>>, byId: ReadonlyMap<string, FlowRun>) {
  let touched = false
  const pages = data.pages.map((page) => {
    if (!page.items.some((run) => byId.has(run.id))) return page
    touched = true
    return { ...page, items: page.items.map((run) => byId.get(run.id) ?? run) }
  })
  return touched ? { ...data, pages } : data
}

function invalidateLists(queries: QueryClient): void {
  void queries.invalidateQueries({ queryKey: [...flowRunKeys.lists, 'first'] })
  void queries.invalidateQueries({
    // A list scrolled far down would ask for all its pages again: it keeps its places, and only its runs change.
    predicate: (query) =>
      query.queryKey[0] === 'flow-runs' &&
      query.queryKey[2] === 'pages' &&
      ((query.state.data as InfiniteData<unknown> | undefined)?.pages.length ?? 0) <= 2,
  })
  for (const key of [declaredKeys.workQueues, declaredKeys.deployments, declaredKeys.flows]) {
    void queries.invalidateQueries({ queryKey: key })
  }
}

/** Calls `action` at once, then at most every `ms`, and never loses the last call. */
function throttled(ms: number, action: () => void): () => void {
  let last = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  return () => {
    const left = last + ms - Date.now()
    if (timer !== undefined) return
    timer = setTimeout(
      () => {
        timer = undefined
        last = Date.now()
        action()
      },
      Math.max(0, left),
    )
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}

/** Waits while the tab is hidden: nobody looks, and the server need not hold a request. */
function visible(signal: AbortSignal): Promise<void> {
  if (document.visibilityState === 'visible') return Promise.resolve()
  return new Promise((resolve) => {
    const check = () => {
      if (document.visibilityState !== 'visible' && !signal.aborted) return
      document.removeEventListener('visibilitychange', check)
      resolve()
    }
    document.addEventListener('visibilitychange', check)
    signal.addEventListener('abort', check, { once: true })
  })
}
