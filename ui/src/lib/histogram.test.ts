import { describe, expect, it } from 'vitest'

import { countRuns, stacked, stepFor, successRate } from './histogram'
import { at, makeRun } from './make'

const FROM = Date.parse(at(0))

describe('countRuns', () => {
  it('counts each run where it started, or is expected to', () => {
    const runs = [
      makeRun({ start_time: at(30) }),
      makeRun({ start_time: at(59), type: 'FAILED' }),
      makeRun({ start_time: null, scheduled_time: at(61), type: 'SCHEDULED' }),
      makeRun({ start_time: at(-10_000) }),
    ]
    const counts = countRuns(runs, FROM, FROM + 120_000)
    expect(counts.step).toBe(60_000)
    expect(counts.series).toEqual([
      { type: 'COMPLETED', counts: [1, 0] },
      { type: 'SCHEDULED', counts: [0, 1] },
      { type: 'FAILED', counts: [1, 0] },
    ])
    expect(stacked(counts)).toEqual([
      [1, 0],
      [1, 1],
      [2, 1],
    ])
  })

  it('covers the whole time with no run in it', () => {
    expect(countRuns([], FROM, FROM + 86_400_000).series).toEqual([])
  })
})

it.each([
  [3_600_000, 60_000],
  [86_400_000, 1_800_000],
  [7 * 86_400_000, 10_800_000],
  [30 * 86_400_000, 43_200_000],
])('takes round steps: %i ms in steps of %i', (length, step) => {
  expect(stepFor(0, length)).toBe(step)
})

it('rates only what ended by itself', () => {
  expect(successRate({ COMPLETED: 3, FAILED: 1, CANCELLED: 5 })).toBe(0.75)
  expect(successRate({ CANCELLED: 5 })).toBeUndefined()
})
