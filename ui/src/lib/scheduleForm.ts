/** What is typed into a schedule's form, and the schedule that it makes. Pure. */
import type { Schedule } from '../api/types'
import { readObject } from './schemaForm'
import { intervalMillis } from './schedules'
import { nextTimes } from './scheduleTimes'
import { instantOf, wallOf } from './zones'

export type ScheduleKind = 'cron' | 'interval' | 'rrule'

export interface ScheduleTexts {
  name: string
  kind: ScheduleKind
  /** One for each kind, so that changing the kind and back loses nothing. */
  cron: string
  interval: string
  rrule: string
  timezone: string
  /** By the clock of the schedule's time zone, as `2026-03-01T06:00`. */
  anchor: string
  dayOr: boolean
  missedRuns: Schedule['missedRuns']
  parameters: string
}

export const BEGINNING: Omit<ScheduleTexts, 'timezone'> = {
  name: '',
  kind: 'cron',
  cron: '0 6 * * *',
  interval: '1h',
  rrule: 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;BYHOUR=6;BYMINUTE=0;BYSECOND=0',
  anchor: '',
  dayOr: true,
  missedRuns: 'Latest',
  parameters: '',
}

export function textsOf(schedule: Schedule): ScheduleTexts {
  const kind = schedule.cron != null ? 'cron' : schedule.interval != null ? 'interval' : 'rrule'
  return {
    ...BEGINNING,
    name: schedule.name,
    kind,
    [kind]: schedule[kind] ?? '',
    timezone: schedule.timezone,
    anchor: schedule.anchor == null ? '' : new Date(wallOf(Date.parse(schedule.anchor), schedule.timezone)).toISOString().slice(0, 16),
    dayOr: schedule.dayOr,
    missedRuns: schedule.missedRuns,
    parameters: Object.keys(schedule.parameters).length === 0 ? '' : JSON.stringify(schedule.parameters, null, 2),
  }
}

export type Faults = Partial<Record<keyof ScheduleTexts, string>>

const NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/
const UNREADABLE: Record<ScheduleKind, string> = {
  cron: 'Give five fields, as 0 6 * * 1-5, or one of @hourly, @daily, @weekly, @monthly, @yearly.',
  interval: 'Give a duration, as 90s, 15m, 1h30m or 7d.',
  rrule: 'Give an iCalendar rule, as FREQ=WEEKLY;BYDAY=MO. Rules finer than a minute are not taken.',
}

/**
 * The schedule that was typed, or what is wrong with each field.
 *
 * @param taken names of the deployment's other schedules.
 */
export function readSchedule(texts: ScheduleTexts, taken: readonly string[], paused: boolean): { schedule?: Schedule; faults: Faults } {
  const faults: Faults = {}
  const name = texts.name.trim()
  if (name === '' || name.length > 63 || !NAME.test(name)) faults.name = 'Give letters, digits, dots, dashes; at most 63.'
  else if (taken.includes(name)) faults.name = 'Another schedule has this name.'
  const parameters = readObject(texts.parameters)
  if (parameters === undefined) faults.parameters = 'Give a JSON object: {"name": value, ...}.'
  const expression = texts[texts.kind].trim()
  const schedule: Schedule = {
    name,
    [texts.kind]: expression,
    timezone: texts.timezone,
    dayOr: texts.kind === 'cron' ? texts.dayOr : true,
    missedRuns: texts.missedRuns,
    parameters: parameters ?? {},
    paused,
  }
  if (texts.kind === 'interval' && texts.anchor !== '') schedule.anchor = anchorOf(texts.anchor, texts.timezone)
  const readable = texts.kind === 'interval' ? (intervalMillis(expression) ?? 0) > 0 : nextTimes(schedule, 1, Date.now()) !== undefined
  if (!readable) faults[texts.kind] = UNREADABLE[texts.kind]
  return Object.keys(faults).length === 0 ? { schedule, faults } : { faults }
}

const anchorOf = (text: string, timezone: string) => new Date(instantOf(Date.parse(`${text}Z`), timezone)).toISOString()

/** Whether a cron names both a day of the month and a weekday, so that it matters how the two are joined. */
export function joinsDays(cron: string): boolean {
  const [, , day, , weekday] = cron.trim().split(/\s+/)
  return day !== undefined && weekday !== undefined && day !== '*' && weekday !== '*'
}
