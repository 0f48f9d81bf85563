import { describe, expect, it } from 'vitest'

import { makeSchedule } from './make'
import { nextTimes, timesBetween } from './scheduleTimes'
import { instantOf, wallOf } from './zones'

const NOW = Date.parse('2026-03-28T12:00:00Z')
const iso = (times: number[] | undefined) => times?.map((time) => new Date(time).toISOString())

describe('nextTimes', () => {
  it('keeps the hour of the schedule’s time zone when summer time begins', () => {
    const times = nextTimes(makeSchedule({ cron: '0 9 * * *', timezone: 'Europe/Berlin' }), 2, NOW)
    expect(iso(times)).toEqual(['2026-03-29T07:00:00.000Z', '2026-03-30T07:00:00.000Z'])
  })

  it('counts an interval from its anchor', () => {
    const times = nextTimes(makeSchedule({ interval: '90m', anchor: '2026-03-28T00:15:00Z' }), 2, NOW)
    expect(iso(times)).toEqual(['2026-03-28T12:15:00.000Z', '2026-03-28T13:45:00.000Z'])
  })

  it.each([
    ['FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0', ['2026-03-29T07:00:00.000Z', '2026-03-30T07:00:00.000Z']],
    ['FREQ=WEEKLY;INTERVAL=2;BYDAY=TU', ['2026-03-30T22:00:00.000Z', '2026-04-13T22:00:00.000Z']],
    ['FREQ=HOURLY;INTERVAL=6', ['2026-03-28T17:00:00.000Z', '2026-03-28T23:00:00.000Z']],
    ['FREQ=YEARLY;COUNT=2', []],
  ])('follows the rule %s by the clock of its time zone', (rrule, expected) => {
    expect(iso(nextTimes(makeSchedule({ rrule, timezone: 'Europe/Berlin' }), 2, NOW))).toEqual(expected)
  })

  it('keeps the hour of intervals of whole days, and counts them from 2020 where no anchor is given', () => {
    const times = nextTimes(makeSchedule({ interval: '1d', timezone: 'Europe/Berlin' }), 2, NOW)
    expect(iso(times)).toEqual(['2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'])
  })

  it.each([{ cron: '61 * * * *' }, { cron: '* * * * * *' }, { rrule: 'FREQ=NEVER' }, { rrule: 'FREQ=SECONDLY' }, { interval: 'soon' }, { cron: '0 0 * * *', timezone: 'Nowhere/Here' }])(
    'has no times for what cannot be read: %o',
    (fields) => {
      expect(nextTimes(makeSchedule(fields), 2, NOW)).toBeUndefined()
    },
  )

  it('takes day of month and day of week together where the schedule says so', () => {
    const times = nextTimes(makeSchedule({ cron: '0 0 13 * 5', dayOr: false }), 1, NOW)
    expect(iso(times)).toEqual(['2026-11-13T00:00:00.000Z'])
  })
})

it('gives the times within a span, the first included and the last not', () => {
  const schedule = makeSchedule({ cron: '0 * * * *' })
  expect(iso(timesBetween(schedule, NOW, NOW + 2 * 3_600_000, 100))).toEqual(['2026-03-28T12:00:00.000Z', '2026-03-28T13:00:00.000Z'])
})

it('knows what clocks show, also where summer time begins', () => {
  const before = Date.parse('2026-03-29T00:30:00Z')
  expect(wallOf(before, 'Europe/Berlin')).toBe(Date.UTC(2026, 2, 29, 1, 30))
  expect(instantOf(Date.UTC(2026, 2, 29, 1, 30), 'Europe/Berlin')).toBe(before)
  expect(instantOf(Date.UTC(2026, 2, 29, 3, 0), 'Europe/Berlin')).toBe(Date.parse('2026-03-29T01:00:00Z'))
})
