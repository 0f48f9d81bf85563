import { describe, expect, it } from 'vitest'

import { intervalMillis, scheduleWords } from './schedules'

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

it('reads durations', () => {
  expect(intervalMillis('1d2h3m4s')).toBe(93_784_000)
  expect(intervalMillis('soon')).toBeUndefined()
})
