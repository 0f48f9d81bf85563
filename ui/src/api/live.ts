/**
 * Keeps what is shown current: one stream of server-sent events for each tab, and queries that are asked anew when it says that
 * something of theirs changed. Where there is no stream (a proxy that holds it back, rights for a part of it), and while the
 * server is away, open queries are asked anew on a slow clock. The stream is let go while nobody looks at the tab.
 */
import type { QueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'

import { createReader } from '../lib/eventStream'
import { Changes } from './changes'
import { allows, type Resource, sessionQuery } from './session'

export type Connection = 'live' | 'polling' | 'lost'

const POLL_MS = 3_000
/** How long a page asks by itself before it tries the stream again. */
const POLLS = 20
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000] as const
/** The greeting comes at once; a proxy that keeps it back would keep back all that follows. */
const HELLO_MS = 10_000
/** The server says something at least every 15 s. */
const SILENCE_MS = 45_000
const HIDDEN_MS = 10_000
/** What pages without a run of their own follow, and what one must be allowed to list for it. */
const EVERYWHERE: Record<string, Resource> = {
  'flow-runs': 'flowruns',
  flows: 'flows',
  deployments: 'deployments',
  'work-queues': 'workqueues',
  blocks: 'blocks',
  notifications: 'notifications',
  automations: 'automations',
  'concurrency-limits': 'concurrencylimits',
  artifacts: 'flowruns',
}
const OF_A_RUN = ['flow-runs', 'task-runs', 'logs', 'artifacts']

let connection: Connection = 'live'
let scope: { namespace?: readonly string[]; run?: string } = {}
let loggedCount = 0
let reconnect = new AbortController()
const listeners = new Set<() => void>()
const logListeners = new Set<() => void>()

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

/** The interval at which a query of something that goes on asks by itself: only where the page is not told of changes. */
export function usePolling(ms: number, wanted = true): number | false {
  return useConnection() === 'live' || !wanted ? false : ms
}

function setScope(next: typeof scope): void {
  if (JSON.stringify(next) === JSON.stringify(scope)) return
  scope = next
  reconnect.abort()
}

/** Follows these namespaces; all if undefined. Used by the shell around all pages. */
export function useFollowedNamespace(namespace: readonly string[] | undefined): void {
  useEffect(() => setScope({ ...scope, namespace }), [namespace])
}

/** Follows one run's tasks, log and artifacts while a page of it is open. */
export function useFollowedRun(id: string | null | undefined): void {
  useEffect(() => {
    if (id == null) return
    setScope({ ...scope, run: id })
    return () => setScope({ ...scope, run: undefined })
  }, [id])
}

/** How often the log of the followed run was said to have grown: give it to `whenLogged`. */
export const countLogged = (): number => loggedCount

/** Resolves once the log has grown since the count was `seen`, and after `ms` at the latest. */
export function whenLogged(seen: number, ms: number): Promise<void> {
  if (loggedCount !== seen) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      logListeners.delete(done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    logListeners.add(done)
  })
}

function logged(): void {
  loggedCount += 1
  for (const listener of [...logListeners]) listener()
}

/** Whether the log of the followed run is told of; else it is to be asked for. */
export const isLive = (): boolean => connection === 'live'

/** Tries the stream again, as after signing in. */
export const followAgain = (): void => reconnect.abort()

/** Follows changes until the returned function is called. */
export function followChanges(queries: QueryClient): () => void {
  const abort = new AbortController()
  const changes = new Changes(queries, { followedRun: () => scope.run, logged })
  void follow(changes, queries, abort.signal)
  return () => abort.abort()
}

async function follow(changes: Changes, queries: QueryClient, signal: AbortSignal): Promise<void> {
  let failures = 0
  let cut = 0 // streams in a row that did not come about although the server answers
  while (!signal.aborted) {
    await visible(signal)
    reconnect = new AbortController()
    const ended = await readStream(changes, queries, AbortSignal.any([signal, reconnect.signal]))
    if (signal.aborted) return
    if (ended === 'scope') changes.moved()
    if (ended === 'scope' || ended === 'hidden') continue
    if (ended === 'away' || ended === 'refused') changes.missed()
    if (ended === 'closed' || ended === 'broken') {
      failures = cut = 0
      await pause(RETRY_MS[0], signal) // the server is restarting, or the caller's rights have changed
    } else if (ended === 'away' && !(await answers(signal))) {
      cut = 0
      setConnection('lost')
      await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? POLL_MS, signal)
      failures += 1
    } else if (ended === 'away' && cut === 0) {
      cut += 1 // it may have come back just now
      await pause(RETRY_MS[0], signal)
    } else {
      failures = 0
      setConnection('polling')
      for (let count = 0; count < POLLS && !signal.aborted && !reconnect.signal.aborted; count += 1) {
        await pause(POLL_MS, signal)
        await visible(signal)
        if (!(await answers(signal))) break
        void queries.invalidateQueries({ type: 'active' })
        logged()
      }
    }
  }
}

/** Reads one stream to its end, and says why it ended. */
async function readStream(changes: Changes, queries: QueryClient, signal: AbortSignal): Promise<'scope' | 'hidden' | 'closed' | 'broken' | 'away' | 'refused'> {
  // What is refused as a whole may be allowed in part: all, what the person may list, runs alone.
  const choices = scope.run === undefined ? [() => Object.keys(EVERYWHERE), () => followable(queries), () => ['flow-runs']] : [() => OF_A_RUN]
  let refused = false
  for (const choose of choices) {
    const kinds = await choose()
    if (kinds.length === 0) continue
    const watch = new Watch(signal)
    try {
      const response = await fetch(addressOf(kinds), { headers: headersOf(changes.last), signal: watch.signal })
      if (response.status >= 400 && response.status < 500) {
        refused = true
        changes.missed()
        continue
      }
      if (!response.ok || response.body === null) return response.status === 503 ? 'refused' : 'away'
      const read = createReader()
      const text = response.body.pipeThrough(new TextDecoderStream())
      for await (const piece of piecesOf(text)) {
        watch.heard()
        for (const event of read(piece)) {
          if (event.event === 'hello') watch.greeted()
          changes.take(event)
        }
      }
      return 'closed'
    } catch {
      if (signal.aborted) return 'scope'
      if (watch.reason === undefined && watch.began) return 'broken'
      return watch.reason ?? 'away' // fetch has one error for every way in which a connection fails
    } finally {
      watch.end()
    }
  }
  return refused ? 'refused' : 'away'
}

/** The kinds that the session allows to follow in the namespaces that are looked at; none where that is not known. */
async function followable(queries: QueryClient): Promise<string[]> {
  const session = await queries.ensureQueryData(sessionQuery).catch(() => undefined)
  if (session === undefined) return []
  const mayList = (resource: Resource) =>
    scope.namespace === undefined ? session.everywhere[resource]?.includes('list') === true : scope.namespace.every((each) => allows(session, 'list', resource, each))
  return Object.entries(EVERYWHERE).flatMap(([kind, resource]) => (mayList(resource) ? [kind] : []))
}

async function* piecesOf(stream: ReadableStream<string>): AsyncGenerator<string> {
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
  }
}

/** Whether the server is there: what keeps a stream away may let all else pass. */
async function answers(signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch('/api/version', { signal: AbortSignal.any([signal, AbortSignal.timeout(HELLO_MS)]), cache: 'no-store' })
    return response.status < 500
  } catch {
    return false
  }
}

function addressOf(kinds: readonly string[]): string {
  const query = new URLSearchParams(kinds.map((kind) => ['kind', kind]))
  for (const namespace of scope.namespace ?? []) query.append('namespace', namespace)
  if (scope.run !== undefined) {
    query.append('flow_run_id', scope.run)
    query.delete('namespace') // the run says which it is in
  }
  return `/api/events?${query.toString()}`
}

const headersOf = (last: string | undefined): Record<string, string> => (last === undefined ? {} : { 'Last-Event-ID': last })

/** Ends a stream that says nothing, and one that nobody looks at. */
class Watch {
  readonly signal: AbortSignal
  reason?: 'refused' | 'away' | 'hidden'
  /** Whether the server has greeted. */
  began = false
  private readonly own = new AbortController()
  private timer: ReturnType<typeof setTimeout>
  private hiding?: ReturnType<typeof setTimeout>

  constructor(outer: AbortSignal) {
    this.signal = AbortSignal.any([outer, this.own.signal])
    this.timer = setTimeout(() => this.stop('refused'), HELLO_MS)
    document.addEventListener('visibilitychange', this.look)
  }

  heard(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.stop('away'), SILENCE_MS)
  }

  greeted(): void {
    this.began = true
    setConnection('live')
  }

  end(): void {
    clearTimeout(this.timer)
    clearTimeout(this.hiding)
    document.removeEventListener('visibilitychange', this.look)
  }

  private stop(reason: 'refused' | 'away' | 'hidden'): void {
    this.reason = reason
    this.own.abort()
  }

  private readonly look = () => {
    clearTimeout(this.hiding)
    if (document.visibilityState === 'hidden') this.hiding = setTimeout(() => this.stop('hidden'), HIDDEN_MS)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}

/** Waits while the tab is hidden: nobody looks, and the server need not hold a stream. */
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
