/** Follows the log of a run: all of it page by page, then what is new while the run goes on. */
import { useEffect, useState } from 'react'

import { mergeLogs } from '../lib/logs'
import { ApiError, ask, client } from './client'
import { countLogged, isLive, whenLogged } from './live'
import type { Log, Page } from './types'

const PAGE = 1_000
const POLL_MS = 1_000
/** A log that grows all the time is asked for no more often than this. */
const LEAST_MS = 300
/** How long a page that is told when there is more goes on without being told. */
const BACKSTOP_MS = 15_000
/** Writers tell their lines in batches, so a line may arrive after ones that are younger by this much. */
const LATE_MS = 10_000
export const MOST_LINES = 100_000

export interface LogSource {
  flow_run_id?: string
  task_run_id?: string
}

interface Followed {
  logs: readonly Log[]
  loaded: boolean
  truncated: boolean
  error?: unknown
}

const NOTHING: Followed = { logs: [], loaded: false, truncated: false }

/** The lines of `source` at `level` and above; goes on asking while `live`. */
export function useLogs(source: LogSource, level: number, live: boolean): Followed {
  const [followed, setFollowed] = useState<Followed>(NOTHING)
  const { flow_run_id, task_run_id } = source
  useEffect(() => {
    const abort = new AbortController()
    setFollowed((before) => ({ ...before, loaded: false }))
    void follow({ flow_run_id, task_run_id }, level, live, abort.signal, setFollowed)
    return () => abort.abort()
  }, [flow_run_id, task_run_id, level, live])
  return followed
}

async function follow(source: LogSource, level: number, live: boolean, signal: AbortSignal, tell: (followed: Followed) => void) {
  let logs: readonly Log[] = []
  let since: string | undefined
  for (;;) {
    const seen = countLogged()
    try {
      for await (const items of pages(source, level, since, signal)) {
        logs = mergeLogs(logs, items)
        if (signal.aborted) return
        if (logs.length >= MOST_LINES) return tell({ logs, loaded: true, truncated: true })
        tell({ logs, loaded: true, truncated: false })
      }
      const last = logs.at(-1)
      if (last !== undefined) since = new Date(Date.parse(last.time) - LATE_MS).toISOString()
    } catch (error) {
      if (signal.aborted) return
      if (!live || (error instanceof ApiError && error.status >= 400 && error.status < 500)) {
        return tell({ logs, loaded: true, truncated: false, error })
      }
    }
    if (!live) return
    await new Promise((resolve) => setTimeout(resolve, LEAST_MS))
    await whenLogged(seen, isLive() ? BACKSTOP_MS : POLL_MS)
    if (signal.aborted) return
  }
}

async function* pages(source: LogSource, level: number, since: string | undefined, signal: AbortSignal) {
  let cursor: string | undefined
  do {
    const query = { ...source, level, since, limit: PAGE, cursor }
    const page: Page<Log> = await ask<Page<Log>>(client.GET('/api/logs', { params: { query }, signal }))
    yield page.items
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
}

/** Every line, for a download. */
export async function readAllLogs(source: LogSource, level: number): Promise<Log[]> {
  const found: Log[] = []
  for await (const items of pages(source, level, undefined, new AbortController().signal)) found.push(...items)
  return found
}
