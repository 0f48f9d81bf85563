/** Log lines: levels, merging what arrives while a run goes on, and text for a download. Pure. */
import type { Log } from '../api/types'

export const LEVELS: readonly { value: number; label: string }[] = [
  { value: 0, label: 'All levels' },
  { value: 20, label: 'Info and above' },
  { value: 30, label: 'Warnings and errors' },
  { value: 40, label: 'Errors' },
]

/** The name of a level of the logging module: the highest known one that it reaches. */
export function levelName(level: number): string {
  if (level >= 50) return 'CRITICAL'
  if (level >= 40) return 'ERROR'
  if (level >= 30) return 'WARNING'
  if (level >= 20) return 'INFO'
  if (level >= 10) return 'DEBUG'
  return 'TRACE'
}

/** Both lists as one, by time and id, each line once. Returns `before` itself when nothing is new. */
export function mergeLogs(before: readonly Log[], arrived: readonly Log[]): readonly Log[] {
  if (arrived.length === 0) return before
  const known = new Set(before.map((log) => log.id))
  const fresh = arrived.filter((log) => !known.has(log.id))
  if (fresh.length === 0) return before
  const merged = [...before, ...fresh]
  const last = before.at(-1)
  const inOrder = last === undefined || fresh.every((log) => compare(last, log) < 0)
  return inOrder && isSorted(fresh) ? merged : merged.sort(compare)
}

function compare(a: Log, b: Log): number {
  return a.time < b.time ? -1 : a.time > b.time ? 1 : a.id - b.id
}

const isSorted = (logs: readonly Log[]) => logs.every((log, index) => index === 0 || compare(logs[index - 1]!, log) <= 0)

/** The lines whose message or logger holds `text`, whatever its case. */
export function searchLogs(logs: readonly Log[], text: string): readonly Log[] {
  const wanted = text.trim().toLowerCase()
  if (wanted === '') return logs
  return logs.filter((log) => log.message.toLowerCase().includes(wanted) || log.logger.toLowerCase().includes(wanted))
}

/** The file that a download holds: one line each, as the console prints them. */
export function toLogText(logs: readonly Log[]): string {
  return logs.map((log) => `${log.time} | ${levelName(log.level).padEnd(8)} | ${log.logger} | ${log.message}\n`).join('')
}

/** The parts of `text` before, within and after each match of `wanted`; matches at odd indices. */
export function splitMatches(text: string, wanted: string): string[] {
  const needle = wanted.trim().toLowerCase()
  if (needle === '') return [text]
  const parts: string[] = []
  const lower = text.toLowerCase()
  let from = 0
  for (let at = lower.indexOf(needle); at !== -1; at = lower.indexOf(needle, from)) {
    parts.push(text.slice(from, at), text.slice(at, at + needle.length))
    from = at + needle.length
  }
  parts.push(text.slice(from))
  return parts
}
