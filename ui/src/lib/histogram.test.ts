import { expect, it } from 'vitest'

import { stacked, successRate, toCounts, totals } from './histogram'
import { at } from './make'

it('stacks what the server counted, what went well at the bottom', () => {
  const bucket = (minute: number, counts: object) => ({ start: at(minute * 60), counts: counts as never })
  const counts = toCounts({ bucket_seconds: 60, since: at(0), until: at(120), capped: false, items: [bucket(0, { FAILED: 1, COMPLETED: 1 }), bucket(1, { SCHEDULED: 1 })] })
  expect(counts).toEqual({
    starts: [Date.parse(at(0)), Date.parse(at(60))],
    step: 60_000,
    series: [
      { type: 'COMPLETED', counts: [1, 0] },
      { type: 'SCHEDULED', counts: [0, 1] },
      { type: 'FAILED', counts: [1, 0] },
    ],
  })
  expect(stacked(counts)).toEqual([
    [1, 0],
    [1, 1],
    [2, 1],
  ])
  expect(totals(counts)).toEqual({ COMPLETED: 1, SCHEDULED: 1, FAILED: 1 })
})

it('rates only what ended by itself', () => {
  expect(successRate({ COMPLETED: 3, FAILED: 1, CANCELLED: 5 })).toBe(0.75)
  expect(successRate({ CANCELLED: 5 })).toBeUndefined()
})
