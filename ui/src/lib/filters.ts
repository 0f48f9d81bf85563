/** The filters of run lists: from the address to what the API is asked. Pure. */
import { readList, readText } from './search'

/** The filters as the address holds them. */
export interface FlowRunSearch {
  state?: string[]
  flow?: string[]
  deployment?: string[]
  queue?: string[]
  tag?: string[]
  namespace?: string[]
  name?: string
  /** A part of the name, or the whole id. */
  search?: string
  /** `name=value` or `name~part`; all must match. */
  parameter?: string[]
  /** One of SORTS; the newest first if left out. */
  sort?: SortBy
  parent?: string
  /** `yes` shows runs that are scheduled for later, too. */
  upcoming?: string
  /** A span before now as `24h` or `7d`, or nothing for all time. */
  range?: string
  /** Exact bounds, RFC 3339; they win over `range`. */
  since?: string
  until?: string
}

/** The filters as the API takes them. */
export interface FlowRunQuery {
  state?: string[]
  flow?: string[]
  deployment?: string[]
  work_queue?: string[]
  tag?: string[]
  namespace?: string[]
  name?: string
  search?: string
  parameter?: string[]
  parent_flow_run_id?: string
  since?: string
  until?: string
}

export const RANGES: readonly { value: string; label: string }[] = [
  { value: '1h', label: 'Last hour' },
  { value: '24h', label: 'Last 24 hours' },
  { value: '7d', label: 'Last 7 days' },
  { value: '30d', label: 'Last 30 days' },
]

/** How a list can be sorted; `-` is the greatest first. */
export const SORTS = [
  { value: '-expected', label: 'Newest first' },
  { value: 'expected', label: 'Oldest first' },
  { value: '-duration', label: 'Longest first' },
  { value: 'duration', label: 'Shortest first' },
  { value: '-end', label: 'Last ended first' },
  { value: 'name', label: 'By name' },
  { value: '-name', label: 'By name, backwards' },
] as const
export type SortBy = (typeof SORTS)[number]['value']

/** Whether a text is a filter of a parameter, as `days=3` or `ticket~OPS`. */
export const isParameterFilter = (text: string): boolean => /^[^=~]+[=~]./.test(text)

const SPANS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The milliseconds of `15m`, `24h` or `7d`; undefined for anything else. */
export function parseRange(range: string | undefined): number | undefined {
  const match = /^(\d{1,4})([mhd])$/.exec(range ?? '')
  if (match === null) return undefined
  return Number(match[1]) * (SPANS[match[2] ?? ''] ?? 0)
}

function readTime(value: unknown): string | undefined {
  const text = readText(value)
  return text !== undefined && !Number.isNaN(Date.parse(text)) ? new Date(text).toISOString() : undefined
}

/** Reads the filters of an address; what cannot be read is dropped. */
export function readFlowRunSearch(search: Record<string, unknown>): FlowRunSearch {
  const parent = readText(search.parent)
  const range = readText(search.range)
  return withoutEmpty({
    state: readList(search.state),
    flow: readList(search.flow),
    deployment: readList(search.deployment),
    queue: readList(search.queue),
    tag: readList(search.tag),
    namespace: readList(search.namespace),
    name: readText(search.name),
    search: readText(search.search)?.slice(0, 200),
    parameter: readList(readList(search.parameter)?.filter(isParameterFilter)),
    sort: SORTS.find(({ value }) => value === readText(search.sort))?.value,
    upcoming: readText(search.upcoming) === 'yes' ? 'yes' : undefined,
    parent: parent !== undefined && UUID.test(parent) ? parent : undefined,
    range: parseRange(range) === undefined ? undefined : range,
    since: readTime(search.since),
    until: readTime(search.until),
  })
}

/**
 * What the API is asked for these filters. `now` (milliseconds) is rounded down to a minute, so that a list under a moving
 * range is asked anew once a minute and not with every look.
 */
export function toQuery(search: FlowRunSearch, now: number): FlowRunQuery {
  const span = parseRange(search.range)
  const minute = Math.floor(now / 60_000) * 60_000
  return withoutEmpty({
    state: search.state,
    flow: search.flow,
    deployment: search.deployment,
    work_queue: search.queue,
    tag: search.tag,
    namespace: search.namespace,
    name: search.name,
    search: search.search,
    parameter: search.parameter,
    parent_flow_run_id: search.parent,
    since: search.since ?? (span === undefined ? undefined : new Date(minute - span).toISOString()),
    until: search.until ?? (showsUpcoming(search) ? undefined : new Date(minute + 120_000).toISOString()),
  })
}

/** Whether runs that are not yet due are shown: else schedules that look far ahead would bury what ran. */
export function showsUpcoming(search: FlowRunSearch): boolean {
  return search.upcoming === 'yes' || (search.state?.includes('SCHEDULED') ?? false)
}

/** How many filters are set; the namespace is chosen for all pages and does not count. */
export function countFilters(search: FlowRunSearch): number {
  const counted = Object.entries(search) as [keyof FlowRunSearch, string | string[] | undefined][]
  return counted.reduce((sum, [key, value]) => (NO_FILTERS.has(key) ? sum : add(sum, value)), 0)
}

const NO_FILTERS: ReadonlySet<keyof FlowRunSearch> = new Set(['upcoming', 'namespace', 'sort'])
const add = (sum: number, value: string | string[] | undefined) => sum + (Array.isArray(value) ? value.length : value ? 1 : 0)

function withoutEmpty<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
}
