import { describe, expect, it } from 'vitest'

import { at, makeRun, makeTask } from './make'
import { layOut, spanOf, ticksOf } from './timeline'

const names = (bars: { name: string; depth: number }[]) => bars.map((bar) => `${' '.repeat(bar.depth)}${bar.name}`)

describe('layOut', () => {
  it('orders rows by when they began, and puts what has not begun last', () => {
    const tasks = [
      makeTask({ name: 'waits', start_time: null, end_time: null, type: 'PENDING' }),
      makeTask({ name: 'second', start_time: at(2) }),
      makeTask({ name: 'first', start_time: at(1) }),
    ]
    expect(names(layOut({ tasks, subflows: [] }, new Map()))).toEqual(['first', 'second', 'waits'])
  })

  it('shows a task that called a subflow as one, and its tasks beneath it once it is opened', () => {
    const caller = makeTask({ name: 'publish-0' })
    const after = makeTask({ name: 'after', start_time: at(5) })
    const subflow = makeRun({ parent_task_run_id: caller.id })
    const branch = { tasks: [caller, after], subflows: [subflow] }
    const closed = layOut(branch, new Map())
    expect(names(closed)).toEqual(['publish-0', 'after'])
    expect(closed[0]).toMatchObject({ kind: 'flow', subflow: subflow.id })
    const opened = layOut(branch, new Map([[subflow.id, { tasks: [makeTask({ name: 'load-0' })], subflows: [] }]]))
    expect(names(opened)).toEqual(['publish-0', ' load-0', 'after'])
  })

  it('counts retries from how often a task ran', () => {
    expect(layOut({ tasks: [makeTask({ run_count: 3 }), makeTask({ run_count: 0 })], subflows: [] }, new Map()).map((bar) => bar.retries)).toEqual([2, 0])
  })

  it('lays out five thousand tasks in a blink', () => {
    const tasks = Array.from({ length: 5_000 }, (_, index) => makeTask({ start_time: at((index * 7919) % 5_000) }))
    const bars = layOut({ tasks, subflows: [] }, new Map())
    expect(bars).toHaveLength(5_000)
    expect(bars.every((bar, index) => index === 0 || bars[index - 1]!.start! <= bar.start!)).toBe(true)
  })
})

describe('spanOf', () => {
  const now = Date.parse(at(60))

  it('ends now while the run goes on, and at its end after that', () => {
    expect(spanOf({ start_time: at(0), end_time: null, created: at(0) }, [], now).to).toBe(now)
    expect(spanOf({ start_time: at(0), end_time: at(9), created: at(0) }, [], now).to).toBe(Date.parse(at(9)))
  })

  it('takes in tasks that began before or ended after the run was told to have', () => {
    const bars = layOut({ tasks: [makeTask({ start_time: at(-2), end_time: at(12) })], subflows: [] }, new Map())
    expect(spanOf({ start_time: at(0), end_time: at(9), created: at(0) }, bars, now)).toEqual({ from: Date.parse(at(-2)), to: Date.parse(at(12)) })
  })

  it('is never empty', () => {
    const span = spanOf({ start_time: at(0), end_time: at(0), created: at(0) }, [], now)
    expect(span.to).toBeGreaterThan(span.from)
  })
})

describe('ticksOf', () => {
  it.each([
    [10_000, 900, 1_000],
    [1, 900, 1],
    [3_600_000, 400, 900_000],
    [90 * 86_400_000, 900, 9 * 86_400_000],
  ])('puts lines at round numbers: %i ms on %i px every %i ms', (length, width, step) => {
    const ticks = ticksOf({ from: 5, to: 5 + length }, width)
    expect(ticks[1]! - ticks[0]!).toBe(step)
    expect(ticks.at(-1)).toBeLessThanOrEqual(length)
  })
})
