import { expect, it } from 'vitest'

import { dayKey, moveMonth, plansByDay, ranByDay, weeksOf } from './calendar'

it('shows whole weeks that hold the month, each day once', () => {
  const weeks = weeksOf('2026-03') // begins on a Sunday
  expect(weeks.every((week) => week.length === 7 && new Date(week[0]!.start).getDay() === 1)).toBe(true)
  const inMonth = weeks.flat().filter((day) => day.inMonth)
  expect(inMonth.map((day) => day.key)).toEqual(Array.from({ length: 31 }, (_, index) => `2026-03-${String(index + 1).padStart(2, '0')}`))
  expect(weeksOf('2027-02')).toHaveLength(4)
})

it('goes over the ends of years', () => {
  expect(moveMonth('2026-12', 1)).toBe('2027-01')
  expect(moveMonth('2026-01', -1)).toBe('2025-12')
})

it('gathers what one schedule plans on a day', () => {
  const planned = (hour: number, schedule: string) => ({ time: new Date(2026, 2, 3, hour).toISOString(), namespace: 'default', deployment_id: 'd', deployment_name: 'a/b', schedule })
  const plans = plansByDay([planned(9, 'late'), planned(6, 'hourly'), planned(7, 'hourly')]).get('2026-03-03')
  expect(plans?.map((plan) => [plan.schedule, plan.times.length])).toEqual([
    ['hourly', 2],
    ['late', 1],
  ])
})

it('counts what ran, but not what is only scheduled', () => {
  const start = new Date(2026, 2, 3).toISOString()
  const counted = ranByDay({ bucket_seconds: 86_400, since: start, until: start, capped: false, items: [{ start, counts: { FAILED: 1, COMPLETED: 3, SCHEDULED: 9 } }] })
  expect(counted.get(dayKey(Date.parse(start)))).toEqual([
    ['COMPLETED', 3],
    ['FAILED', 1],
  ])
})
