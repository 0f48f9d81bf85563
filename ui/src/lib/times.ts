/** Times, durations and sizes as people read them. Pure: the caller gives the present. */

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['week', 7 * 86_400],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' })

/** `3 min. ago`, `in 2 hr.`; `now` within a second. */
export function formatRelative(time: number, now: number): string {
  const seconds = (time - now) / 1000
  if (Math.abs(seconds) < 1) return 'now'
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit)
  }
  return 'now'
}

/** How long until the relative time reads differently, in milliseconds: clocks tick no more than they must. */
export function tickAfter(time: number, now: number): number {
  const age = Math.abs(time - now) / 1000
  if (age < 60) return 1_000
  if (age < 3_600) return 15_000
  return 60_000
}

/** `850 ms`, `4.2 s`, `3m 05s`, `2h 10m`, `5d 3h`; milliseconds in. */
export function formatDuration(ms: number): string {
  if (ms < 1) return '< 1 ms'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  const [days, hours, minutes, rest] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
    whole % 60,
  ]
  const two = (value: number) => String(value).padStart(2, '0')
  if (days > 0) return `${days}d ${hours}h`
  if (hours > 0) return `${hours}h ${two(minutes)}m`
  return `${minutes}m ${two(rest)}s`
}

const exact = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric',
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  timeZoneName: 'short',
})

/** `24 Nov 2026, 19:49:18.509 UTC`, in the reader's time zone. */
export function formatExact(time: number): string {
  return exact.format(time)
}

const logClock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
})

/** `19:49:18.509` */
export function formatClock(time: number): string {
  return logClock.format(time)
}

/** Milliseconds between start and end, or until `now` for what goes on; null for what has not started. */
export function runMillis(
  run: { start_time?: string | null; end_time?: string | null },
  now: number,
): number | null {
  if (!run.start_time) return null
  const end = run.end_time ? Date.parse(run.end_time) : now
  return Math.max(0, end - Date.parse(run.start_time))
}

/** `Tue 24 Nov, 06:00` in a time zone; in the reader's without one, or with one that is not known. */
export function formatIn(time: number, timezone?: string): string {
  const options: Intl.DateTimeFormatOptions = { weekday: 'short', day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit' }
  try {
    return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: timezone }).format(time)
  } catch {
    return new Intl.DateTimeFormat('en-GB', options).format(time)
  }
}

/** `812 B`, `4.2 KB`, `1.3 GB` */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let [size, at] = [bytes, 0]
  while (size >= 1000 && at < units.length - 1) [size, at] = [size / 1000, at + 1]
  return `${at === 0 ? size : size.toFixed(1)} ${units[at]}`
}
