/** Schedules in words. Pure; when they are due is in scheduleTimes. */
import cronstrue from 'cronstrue'

import type { Schedule } from '../api/types'

const UNIT_WORDS: Record<string, [string, number]> = {
  d: ['day', 86_400_000],
  h: ['hour', 3_600_000],
  m: ['minute', 60_000],
  s: ['second', 1_000],
}

/** The parts of `1h30m`; undefined for what is no duration. */
function parseParts(duration: string): [number, string][] | undefined {
  if (!/^(\d+[dhms])+$/.test(duration)) return undefined
  return [...duration.matchAll(/(\d+)([dhms])/g)].map((match) => [Number(match[1]), match[2] ?? ''])
}

export function intervalMillis(duration: string): number | undefined {
  const parts = parseParts(duration)
  return parts?.reduce((sum, [count, unit]) => sum + count * (UNIT_WORDS[unit]?.[1] ?? 0), 0)
}

/** `1 hour and 30 minutes`; a duration that cannot be read is given as it is. */
export function durationWords(duration: string): string {
  const parts = parseParts(duration)
  if (parts === undefined) return duration
  return joined(parts.map(([count, unit]) => plural(count, UNIT_WORDS[unit]?.[0] ?? unit)))
}

/** `every 15 minutes`, `at 06:00, only on Monday`, `every 2 weeks on Tuesday`; what cannot be put into words is given as it is. */
export function scheduleWords(schedule: Pick<Schedule, 'cron' | 'interval' | 'rrule'>): string {
  if (schedule.cron != null) return cronWords(schedule.cron)
  if (schedule.interval != null) return intervalWords(schedule.interval)
  if (schedule.rrule != null) return rruleWords(schedule.rrule)
  return 'never'
}

export const ALIASES: Record<string, string> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

function cronWords(cron: string): string {
  try {
    const words = cronstrue.toString(ALIASES[cron.trim()] ?? cron, { use24HourTimeFormat: true, verbose: false })
    return words.charAt(0).toLowerCase() + words.slice(1)
  } catch {
    return `cron ${cron}`
  }
}

function intervalWords(interval: string): string {
  const parts = parseParts(interval)
  if (parts === undefined || parts.length === 0) return `every ${interval}`
  const [only] = parts
  if (parts.length === 1 && only !== undefined && only[0] === 1) return `every ${UNIT_WORDS[only[1]]?.[0] ?? ''}`
  return `every ${durationWords(interval)}`
}

const FREQUENCIES: Record<string, string> = {
  YEARLY: 'year',
  MONTHLY: 'month',
  WEEKLY: 'week',
  DAILY: 'day',
  HOURLY: 'hour',
  MINUTELY: 'minute',
  SECONDLY: 'second',
}
const DAYS: Record<string, string> = { MO: 'Monday', TU: 'Tuesday', WE: 'Wednesday', TH: 'Thursday', FR: 'Friday', SA: 'Saturday', SU: 'Sunday' }
const ORDINALS: Record<string, string> = { '1': 'first', '2': 'second', '3': 'third', '4': 'fourth', '5': 'fifth', '-1': 'last' }

/** The words of a rule that has no parts but these: what a part unknown here would change is not left out, the rule is shown. */
function rruleWords(rule: string): string {
  const text = rule.split(/\r?\n/).find((line) => line.startsWith('RRULE:') || line.startsWith('FREQ=')) ?? rule
  const parts = new Map(text.replace(/^RRULE:/, '').split(';').map((part) => part.split('=', 2) as [string, string]))
  const unit = FREQUENCIES[parts.get('FREQ') ?? '']
  const known = new Set(['FREQ', 'INTERVAL', 'BYDAY', 'BYHOUR', 'BYMINUTE', 'BYSECOND', 'BYMONTHDAY', 'COUNT', 'UNTIL', 'WKST'])
  if (unit === undefined || [...parts.keys()].some((key) => !known.has(key))) return `rule ${rule}`
  const every = Number(parts.get('INTERVAL') ?? 1)
  const words = [every === 1 ? `every ${unit}` : `every ${every} ${unit}s`]
  const days = parts.get('BYDAY')?.split(',').map(dayWords)
  if (days !== undefined) words.push(`on ${joined(days)}`)
  if (parts.has('BYMONTHDAY')) words.push(`on day ${joined((parts.get('BYMONTHDAY') ?? '').split(','))}`)
  const hours = parts.get('BYHOUR')?.split(',')
  if (hours !== undefined) {
    const minutes = (parts.get('BYMINUTE') ?? '0').split(',')
    words.push(`at ${joined(hours.flatMap((hour) => minutes.map((minute) => `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`)))}`)
  }
  if (parts.has('COUNT')) words.push(`${plural(Number(parts.get('COUNT')), 'time')} in all`)
  if (parts.has('UNTIL')) words.push(`until ${untilWords(parts.get('UNTIL') ?? '')}`)
  return words.join(' ')
}

function dayWords(day: string): string {
  const match = /^(-?\d)?([A-Z]{2})$/.exec(day)
  const name = DAYS[match?.[2] ?? '']
  if (match === null || name === undefined) return day
  return match[1] === undefined ? name : `the ${ORDINALS[match[1]] ?? match[1]} ${name}`
}

const untilWords = (until: string) => until.replace(/^(\d{4})(\d{2})(\d{2}).*$/, '$1-$2-$3')
export const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`

/** `a, b and c`, or with another word between the last two. */
export function joined(words: readonly string[], last = 'and'): string {
  if (words.length <= 1) return words[0] ?? ''
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`
}
