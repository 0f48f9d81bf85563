import { describe, expect, it } from 'vitest'

import { buildGraph, leadingState, placeInColumns, shapeOf } from './graph'
import { makeTask } from './make'

const a = makeTask({ name: 'a', task: 'extract' })
const b = makeTask({ name: 'b', task: 'extract', type: 'FAILED' })
const c = makeTask({ name: 'c', task: 'load', inputs: { x: [a.id, b.id], y: [a.id, 'of-another-run'] } })

describe('buildGraph', () => {
  it('joins a task run to each that it took from, once', () => {
    const { nodes, edges } = buildGraph([a, b, c], false)
    expect(nodes.map((node) => node.label)).toEqual(['a', 'b', 'c'])
    expect(edges.map(({ source, target }) => [source, target])).toEqual([
      [a.id, c.id],
      [b.id, c.id],
    ])
  })

  it('makes one node of a task’s runs, led by the state to be seen first', () => {
    const { nodes, edges } = buildGraph([a, b, c], true)
    expect(nodes.map(({ label, count }) => [label, count])).toEqual([
      ['extract', 2],
      ['load', 1],
    ])
    expect(leadingState(nodes[0]!)).toBe('FAILED')
    expect(edges).toHaveLength(1)
  })

  it('has the same shape when only states change', () => {
    const later = { ...b, state: { ...b.state!, type: 'COMPLETED' as const } }
    expect(shapeOf(buildGraph([a, later, c], false))).toBe(shapeOf(buildGraph([a, b, c], false)))
  })
})

describe('placeInColumns', () => {
  it('puts each node after all that it depends on', () => {
    const d = makeTask({ name: 'd', inputs: { x: [a.id, c.id] } })
    const places = placeInColumns(buildGraph([d, c, b, a], false), 100, 10)
    expect([a, b, c, d].map((task) => places.get(task.id)!.x)).toEqual([0, 0, 100, 200])
  })

  it('never lays two nodes on one place, and survives a cycle', () => {
    const tasks = Array.from({ length: 2_000 }, (_, index) => makeTask({ name: String(index) }))
    tasks.forEach((task, index) => (task.inputs = index < 500 ? {} : { x: [tasks[index - 500]!.id] }))
    tasks[0]!.inputs = { x: [tasks[500]!.id] }
    const places = placeInColumns(buildGraph(tasks, false), 100, 10)
    expect(new Set([...places.values()].map(({ x, y }) => `${x},${y}`)).size).toBe(2_000)
  })
})
