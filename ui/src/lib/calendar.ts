/** Days of a month as a calendar shows them, and what is planned on each. Pure; days are those of the reader's time zone. */
import type { Histogram, PlannedRun, StateType } from '../api/types'
import { STACK } from './histogram'

export interface Day {
  /** Midnight at which it begins, in milliseconds. */
  start: number
  /** `2026-03-01` */
  key: string
  /** Whether it lies in the month that is shown, and not before or after it. */
  inMonth: boolean
}

const two = (value: number) => String(value).padStart(2, '0')

export const dayKey = (time: number): string => {
  const at = new Date(time)
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

/** `2026-03` */
export const monthKey = (time: number): string => dayKey(time).slice(0, 7)

/** The month so many months after (or before) `month`. */
export function moveMonth(month: string, by: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number)
  return monthKey(new Date(year, number - 1 + by, 15).getTime())
}

/** Whole weeks from Monday to Sunday that hold the month. */
export function weeksOf(month: string): Day[][] {
  const [year = 0, number = 1] = month.split('-').map(Number)
  const first = new Date(year, number - 1, 1)
  const before = (first.getDay() + 6) % 7
  const weeks: Day[][] = []
  for (let offset = -before; ; offset += 7) {
    const week = Array.from({ length: 7 }, (_, index) => {
      const at = new Date(year, number - 1, 1 + offset + index)
      return { start: at.getTime(), key: dayKey(at.getTime()), inMonth: at.getMonth() === number - 1 }
    })
    if (offset > 0 && !week.some((day) => day.inMonth)) return weeks
    weeks.push(week)
  }
}

/** All that one schedule plans on a day. */
export interface Plan {
  deploymentId: string
  deployment: string
  schedule: string
  times: number[]
}

/** The plans of each day, the earliest first. */
export function plansByDay(items: readonly PlannedRun[]): Map<string, Plan[]> {
  const days = new Map<string, Map<string, Plan>>()
  for (const item of items) {
    const time = Date.parse(item.time)
    const key = dayKey(time)
    const day = days.get(key) ?? new Map<string, Plan>()
    days.set(key, day)
    const name = `${item.deployment_id} ${item.schedule}`
    const plan = day.get(name) ?? { deploymentId: item.deployment_id, deployment: item.deployment_name, schedule: item.schedule, times: [] }
    plan.times.push(time)
    day.set(name, plan)
  }
  return new Map([...days].map(([key, plans]) => [key, [...plans.values()].sort((a, b) => (a.times[0] ?? 0) - (b.times[0] ?? 0))]))
}

/** What ran on each day, by state, in the order of the charts. */
export function ranByDay(histogram: Histogram | undefined): Map<string, [StateType, number][]> {
  const days = new Map<string, [StateType, number][]>()
  for (const bucket of histogram?.items ?? []) {
    const counts = STACK.flatMap((type): [StateType, number][] => {
      const count = type === 'SCHEDULED' ? 0 : (bucket.counts[type] ?? 0)
      return count > 0 ? [[type, count]] : []
    })
    if (counts.length > 0) days.set(dayKey(Date.parse(bucket.start)), counts)
  }
  return days
}
