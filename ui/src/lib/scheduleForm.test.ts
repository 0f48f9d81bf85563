import { describe, expect, it } from 'vitest'

import { makeSchedule } from './make'
import { BEGINNING, joinsDays, readSchedule, textsOf } from './scheduleForm'

const texts = { ...BEGINNING, name: 'nightly', timezone: 'Europe/Berlin' }

describe('readSchedule', () => {
  it.each([
    makeSchedule({ cron: '0 6 * * 1-5', dayOr: false, timezone: 'Asia/Tokyo' }),
    makeSchedule({ interval: '90m', anchor: '2026-03-01T06:30:00.000Z', missedRuns: 'All' }),
    makeSchedule({ rrule: 'FREQ=DAILY', parameters: { days: 3 } }),
  ])('gives back what it was made from: %o', (schedule) => {
    expect(readSchedule(textsOf(schedule), [], schedule.paused)).toEqual({ schedule, faults: {} })
  })

  it('keeps only the kind that is chosen', () => {
    const { schedule } = readSchedule({ ...texts, kind: 'interval', anchor: '2026-03-01T06:00' }, [], true)
    expect(schedule).toMatchObject({ interval: '1h', anchor: '2026-03-01T05:00:00.000Z', paused: true })
    expect(schedule).not.toHaveProperty('cron')
  })

  it.each([
    [{ name: '' }, 'name'],
    [{ name: 'a b' }, 'name'],
    [{ name: 'taken' }, 'name'],
    [{ cron: '61 * * * *' }, 'cron'],
    [{ kind: 'interval' as const, interval: '0m' }, 'interval'],
    [{ kind: 'rrule' as const, rrule: 'FREQ=SECONDLY' }, 'rrule'],
    [{ parameters: '[1]' }, 'parameters'],
    [{ parameters: '{' }, 'parameters'],
  ])('says what is wrong with %o', (changes, field) => {
    const { schedule, faults } = readSchedule({ ...texts, ...changes }, ['taken'], false)
    expect(schedule).toBeUndefined()
    expect(Object.keys(faults)).toEqual([field])
  })
})

it('knows when day of month and weekday are both given', () => {
  expect(joinsDays('0 0 13 * 5')).toBe(true)
  expect(joinsDays('0 0 13 * *')).toBe(false)
  expect(joinsDays('@daily')).toBe(false)
})
