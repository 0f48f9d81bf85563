import { describe, expect, it } from 'vitest'

import { makeSchedule } from './make'
import { formatIn, intervalMillis, nextTimes, scheduleWords } from './schedules'

const NOW = Date.parse('2026-03-28T12:00:00Z')
const iso = (times: number[] | undefined) => times?.map((time) => new Date(time).toISOString())

describe('scheduleWords', () => {
  it.each([
    ['0 6 * * *', 'at 06:00'],
    ['0 2 * * 1-5', 'at 02:00, Monday through Friday'],
    ['*/15 * * * *', 'every 15 minutes'],
    ['@daily', 'at 00:00'],
    ['not a cron', 'cron not a cron'],
  ])('says of the cron %s: %s', (cron, words) => {
    expect(scheduleWords({ cron })).toBe(words)
  })

  it.each([
    ['15m', 'every 15 minutes'],
    ['1h', 'every hour'],
    ['1h30m', 'every 1 hour and 30 minutes'],
    ['7d', 'every 7 days'],
  ])('says of the interval %s: %s', (interval, words) => {
    expect(scheduleWords({ interval })).toBe(words)
  })

  it.each([
    ['FREQ=DAILY', 'every day'],
    ['RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;BYHOUR=6', 'every 2 weeks on Tuesday and Thursday at 06:00'],
    ['FREQ=MONTHLY;BYDAY=-1FR', 'every month on the last Friday'],
    ['FREQ=DAILY;COUNT=3;UNTIL=20261224T000000Z', 'every day 3 times in all until 2026-12-24'],
    ['FREQ=YEARLY;BYEASTER=0', 'rule FREQ=YEARLY;BYEASTER=0'],
  ])('says of the rule %s: %s', (rrule, words) => {
    expect(scheduleWords({ rrule })).toBe(words)
  })
})

describe('nextTimes', () => {
  it('keeps the hour of the schedule’s time zone when summer time begins', () => {
    const times = nextTimes(makeSchedule({ cron: '0 9 * * *', timezone: 'Europe/Berlin' }), 2, NOW)
    expect(iso(times)).toEqual(['2026-03-29T07:00:00.000Z', '2026-03-30T07:00:00.000Z'])
  })

  it('counts an interval from its anchor', () => {
    const times = nextTimes(makeSchedule({ interval: '90m', anchor: '2026-03-28T00:15:00Z' }), 2, NOW)
    expect(iso(times)).toEqual(['2026-03-28T12:15:00.000Z', '2026-03-28T13:45:00.000Z'])
  })

  it('does not guess where only the server knows', () => {
    expect(nextTimes(makeSchedule({ rrule: 'FREQ=DAILY' }), 2, NOW)).toBeUndefined()
    expect(nextTimes(makeSchedule({ interval: '90m' }), 2, NOW)).toBeUndefined()
    expect(nextTimes(makeSchedule({ cron: '61 * * * *' }), 2, NOW)).toBeUndefined()
  })

  it('takes day of month and day of week together where the schedule says so', () => {
    const times = nextTimes(makeSchedule({ cron: '0 0 13 * 5', dayOr: false }), 1, NOW)
    expect(iso(times)).toEqual(['2026-11-13T00:00:00.000Z'])
  })
})

it('reads durations', () => {
  expect(intervalMillis('1d2h3m4s')).toBe(93_784_000)
  expect(intervalMillis('soon')).toBeUndefined()
})

it('formats in a time zone, and without one that it does not know', () => {
  expect(formatIn(NOW, 'Asia/Tokyo')).toContain('21:00')
  expect(formatIn(NOW, 'Nowhere/Here')).toMatch(/\d\d:00/)
})
