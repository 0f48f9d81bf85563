/** What the server tells of, laid over what is cached: runs themselves, and hints of what is to be asked for anew. Used by live. */
import type { InfiniteData, QueryClient } from '@tanstack/react-query'

import type { ServerEvent } from '../lib/eventStream'
import { isEnded } from '../lib/states'
import { declaredKeys } from './declared'
import { flowRunKeys } from './flowRuns'
import { taskRunKeys } from './taskRuns'
import type { FlowRun, Page, TaskRun } from './types'

/** Lists are asked anew no more often than this, however much changes. */
const LIST_EVERY_MS = 1_000
const TASKS_EVERY_MS = 400
/** Of a run with so many task runs, all of them are asked for less often. */
const MANY_TASKS = 1_000
const MANY_TASKS_EVERY_MS = 2_000

export interface FollowedPage {
  /** The run whose page is open, if one is. */
  followedRun: () => string | undefined
  /** Called when that run's log has grown. */
  logged: () => void
}

/** Turns events into queries that are asked anew. */
export class Changes {
  /** The id of the last event, from which a stream that begins again goes on. */
  last?: string
  private waiting: FlowRun[] = []
  /** What a stream that begins finds: nothing yet, a page that has just asked for all it shows, or what was shown before. */
  private before: 'nothing' | 'asked' | 'shown' = 'nothing'
  private readonly refreshLists: () => void
  private readonly refreshTasks = new Map<string, () => void>()
  private readonly refreshKinds = new Map<string, () => void>()

  constructor(
    private readonly queries: QueryClient,
    private readonly page: FollowedPage,
  ) {
    this.refreshLists = throttled(() => LIST_EVERY_MS, () => invalidateLists(queries))
  }

  take({ event, data, id }: ServerEvent): void {
    if (id !== undefined) this.last = id
    switch (event) {
      case 'hello':
      case 'reset':
        this.begin((JSON.parse(data) as { resumed: boolean }).resumed)
        break
      case 'flow-runs':
        this.gather(JSON.parse(data) as FlowRun)
        break
      case 'task-runs':
        this.tasksOf((JSON.parse(data) as { flow_run_id?: string }).flow_run_id ?? this.page.followedRun())()
        break
      case 'logs':
        this.page.logged()
        break
      default:
        this.kindOf(event)()
    }
  }

  /** Another page is followed from now on: it asks for what it shows by itself, so that nothing is to be told of the past. */
  moved(): void {
    this.last = undefined
    this.before = 'asked'
  }

  /** No stream could be had for a while: whatever is shown may have changed by the time that one begins. */
  missed(): void {
    this.before = 'shown'
  }

  private begin(resumed: boolean): void {
    const { before, queries } = this
    this.before = 'shown'
    if (before === 'nothing' || resumed) return
    if (before === 'shown') return void queries.invalidateQueries()
    const run = this.page.followedRun() // what changed after the page had asked and before it was followed
    if (run === undefined) return this.refreshLists()
    const known = queries.getQueryData<FlowRun>(flowRunKeys.one(run))
    if (known === undefined || isEnded(known.state.type)) return
    void queries.invalidateQueries({ queryKey: flowRunKeys.one(run) })
    this.tasksOf(run)()
    this.page.logged()
  }

  /** Runs that change together are laid over what is shown together. */
  private gather(run: FlowRun): void {
    this.waiting.push(run)
    if (this.waiting.length > 1) return
    setTimeout(() => {
      const changed = this.waiting
      this.waiting = []
      applyChanges(this.queries, changed, this.page.followedRun())
      this.refreshLists()
    })
  }

  private kindOf(kind: string): () => void {
    let refresh = this.refreshKinds.get(kind)
    if (refresh === undefined) {
      refresh = throttled(() => LIST_EVERY_MS, () => void this.queries.invalidateQueries({ queryKey: [kind] }))
      this.refreshKinds.set(kind, refresh)
    }
    return refresh
  }

  private tasksOf(run: string | undefined): () => void {
    const key = run ?? ''
    let refresh = this.refreshTasks.get(key)
    if (refresh === undefined) {
      const { queries } = this
      const pace = () => ((queries.getQueryData<TaskRun[]>(taskRunKeys.ofFlowRun(key))?.length ?? 0) > MANY_TASKS ? MANY_TASKS_EVERY_MS : TASKS_EVERY_MS)
      refresh = throttled(pace, () => {
        void queries.invalidateQueries({ queryKey: taskRunKeys.ofFlowRun(key) })
        void queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'task-runs' && queryKey[1] !== 'of' })
      })
      this.refreshTasks.set(key, refresh)
    }
    return refresh
  }
}

/** Lays changed runs over what is cached, and asks anew for what hangs on them. */
export function applyChanges(queries: QueryClient, changed: readonly FlowRun[], followed?: string): void {
  const byId = new Map(changed.map((run) => [run.id, run]))
  for (const run of byId.values()) {
    const before = queries.getQueryData<FlowRun>(flowRunKeys.one(run.id))
    if (before !== undefined && before.revision < run.revision) queries.setQueryData(flowRunKeys.one(run.id), run)
    void queries.invalidateQueries({ queryKey: flowRunKeys.states(run.id) })
    if (run.id !== followed) void queries.invalidateQueries({ queryKey: taskRunKeys.ofFlowRun(run.id) })
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

/** Calls `action` at once, then at most once in what `pace` says, and never loses the last call. */
function throttled(pace: () => number, action: () => void): () => void {
  let last = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  return () => {
    if (timer !== undefined) return
    timer = setTimeout(
      () => {
        timer = undefined
        last = Date.now()
        action()
      },
      Math.max(0, last + pace() - Date.now()),
    )
  }
}
