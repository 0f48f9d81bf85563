/**
 * When schedules are due, as the server's scheduler counts: cron and rules by the wall clock of the schedule's time zone,
 * intervals shorter than a day in real time, longer ones by the wall clock. Pure. Used to preview a schedule while it is edited
 * and to show the next times of one; what starts runs is the server.
 */
import { Cron } from 'croner'
import { RRule, rrulestr, RRuleSet } from 'rrule'

import type { Schedule } from '../api/types'
import { ALIASES, intervalMillis } from './schedules'
import { instantOf, wallOf } from './zones'

type Timed = Pick<Schedule, 'cron' | 'interval' | 'rrule' | 'anchor' | 'timezone' | 'dayOr'>

const DAY = 86_400_000
/** Intervals without an anchor, and rules without a start, begin here. */
const EPOCH = Date.UTC(2020, 0, 1)
/** A rule is not followed further than this many of its times: one that never matches must not hold up the page. */
const MOST_STEPS = 2_000

/** The next times after `now`, in milliseconds; undefined for a schedule that cannot be read. */
export function nextTimes(schedule: Timed, count: number, now: number): number[] | undefined {
  try {
    if (schedule.cron != null) return nextOfCron(schedule.cron, schedule, count, now)
    if (schedule.interval != null) return nextOfInterval(schedule.interval, schedule, count, now)
    if (schedule.rrule != null) return nextOfRule(schedule.rrule, schedule.timezone, count, now)
  } catch {
    return undefined // each library has errors of its own: what it cannot read has no times to show
  }
  return undefined
}

/** The times from `from` to before `to`, in milliseconds, at most `most`. */
export function timesBetween(schedule: Timed, from: number, to: number, most: number): number[] {
  return (nextTimes(schedule, most, from - 1) ?? []).filter((time) => time < to)
}

function nextOfCron(cron: string, schedule: Timed, count: number, now: number): number[] | undefined {
  const fields = ALIASES[cron.trim().toLowerCase()] ?? cron.trim()
  if (fields.split(/\s+/).length !== 5) return undefined
  const found = new Cron(fields, { timezone: schedule.timezone, domAndDow: !schedule.dayOr, paused: true })
  return found.nextRuns(count, new Date(now)).map((time) => time.getTime())
}

function nextOfInterval(interval: string, schedule: Timed, count: number, now: number): number[] | undefined {
  const step = intervalMillis(interval)
  if (step === undefined || step <= 0) return undefined
  const { timezone } = schedule
  const anchor = schedule.anchor != null ? Date.parse(schedule.anchor) : instantOf(EPOCH, timezone)
  if (step < DAY) return series(anchor + (Math.floor((now - anchor) / step) + 1) * step, step, count)
  const wall = wallOf(anchor, timezone)
  const first = wall + Math.floor((wallOf(now, timezone) - wall) / step) * step
  return series(first, step, count + 1)
    .map((each) => instantOf(each, timezone))
    .filter((time) => time > now)
    .slice(0, count)
}

const series = (first: number, step: number, count: number) => Array.from({ length: count }, (_, index) => first + index * step)

function nextOfRule(text: string, timezone: string, count: number, now: number): number[] | undefined {
  const wall = wallOf(now, timezone)
  const times: number[] = []
  let steps = 0
  const rule = rolled(rrulestr(text, { dtstart: new Date(EPOCH) }), wall - DAY)
  for (let at = rule.after(new Date(wall - DAY)); at !== null && times.length < count; at = rule.after(at)) {
    const time = instantOf(at.getTime(), timezone)
    if (time > now) times.push(time)
    if ((steps += 1) > MOST_STEPS) break
  }
  return times
}

const PACES: Partial<Record<number, number>> = { [RRule.WEEKLY]: 7 * DAY, [RRule.DAILY]: DAY, [RRule.HOURLY]: DAY / 24, [RRule.MINUTELY]: DAY / 1_440 }

/** The rule with its start rolled forward to just before `before`, where that changes none of its later times. */
function rolled(rule: RRule | RRuleSet, before: number): RRule | RRuleSet {
  if (rule instanceof RRuleSet) return rule
  const { freq, interval = 1, count, dtstart } = rule.origOptions
  const pace = PACES[freq ?? -1]
  const start = dtstart?.getTime() ?? EPOCH
  if (freq === RRule.SECONDLY) throw new Error('Rules finer than a minute are not taken.')
  if (pace === undefined || count != null || start >= before) return rule
  const step = pace * interval
  return new RRule({ ...rule.origOptions, dtstart: new Date(start + Math.floor((before - start) / step) * step) })
}
