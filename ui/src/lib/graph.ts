/**
 * Builds the graph of a run's task runs: a node for each, an edge where one took what another returned. Runs with more task
 * runs than a person can look at are shown as one node for each task. Pure; elkjs places the nodes in a worker.
 */
import type { StateType, TaskRun } from '../api/types'

export interface GraphNode {
  id: string
  label: string
  /** How many task runs it stands for; more than one in a graph by tasks. */
  count: number
  states: Partial<Record<StateType, number>>
  stateName?: string
}

export interface GraphEdge {
  id: string
  source: string
  target: string
}

export interface Graph {
  nodes: GraphNode[]
  edges: GraphEdge[]
  grouped: boolean
}

/** More task runs than this are grouped unless the person asks otherwise. */
export const GROUP_ABOVE = 150

export function buildGraph(tasks: readonly TaskRun[], grouped: boolean): Graph {
  const nodeOf = new Map<string, string>()
  const nodes = new Map<string, GraphNode>()
  for (const task of tasks) {
    const id = grouped ? `task:${task.task}` : task.id
    nodeOf.set(task.id, id)
    const type = task.state?.type ?? 'PENDING'
    const node = nodes.get(id) ?? { id, label: grouped ? task.task : task.name, count: 0, states: {} }
    node.count += 1
    node.states[type] = (node.states[type] ?? 0) + 1
    if (!grouped) node.stateName = task.state?.name
    nodes.set(id, node)
  }
  const edges = new Map<string, GraphEdge>()
  for (const task of tasks) {
    const target = nodeOf.get(task.id)!
    for (const from of new Set(Object.values(task.inputs).flat())) {
      const source = nodeOf.get(from)
      if (source === undefined || source === target) continue
      const id = `${source}>${target}`
      edges.set(id, { id, source, target })
    }
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()], grouped }
}

/** A text that is the same for graphs of the same shape: they need not be placed anew when only states change. */
export function shapeOf(graph: Graph): string {
  return `${graph.nodes.map((node) => node.id).join()}|${graph.edges.map((edge) => edge.id).join()}`
}

export type Places = ReadonlyMap<string, { x: number; y: number }>

/**
 * Places a graph in columns: each node one column after the last of those that it depends on, in its column near the middle
 * of them. Linear in nodes and edges, for graphs so large that a careful layout would take longer than anybody waits.
 */
export function placeInColumns(graph: Graph, width: number, height: number): Places {
  const sources = new Map<string, string[]>(graph.nodes.map((node) => [node.id, []]))
  const targets = new Map<string, string[]>(graph.nodes.map((node) => [node.id, []]))
  for (const { source, target } of graph.edges) {
    sources.get(target)?.push(source)
    targets.get(source)?.push(target)
  }
  const column = new Map<string, number>()
  const left = new Map([...sources].map(([id, from]) => [id, from.length]))
  let ready = graph.nodes.filter((node) => left.get(node.id) === 0).map((node) => node.id)
  for (let index = 0; ready.length > 0; index += 1) {
    const next: string[] = []
    for (const id of ready) {
      column.set(id, index)
      for (const target of targets.get(id) ?? []) {
        const rest = (left.get(target) ?? 0) - 1
        left.set(target, rest)
        if (rest === 0) next.push(target)
      }
    }
    ready = next
  }
  const columns: string[][] = []
  for (const { id } of graph.nodes) (columns[column.get(id) ?? 0] ??= []).push(id) // what lies on a cycle goes first
  const row = new Map<string, number>()
  for (const ids of columns) {
    const middle = (id: string, index: number) => {
      const rows = (sources.get(id) ?? []).flatMap((source) => row.get(source) ?? [])
      return rows.length === 0 ? index : rows.reduce((sum, each) => sum + each, 0) / rows.length
    }
    const ordered = ids.map((id, index) => ({ id, at: middle(id, index) })).sort((a, b) => a.at - b.at)
    ordered.forEach(({ id }, index) => row.set(id, index - ordered.length / 2))
  }
  return new Map(graph.nodes.map(({ id }) => [id, { x: (column.get(id) ?? 0) * width, y: (row.get(id) ?? 0) * height }]))
}

const WORST: readonly StateType[] = ['FAILED', 'CRASHED', 'RUNNING', 'CANCELLING', 'PAUSED', 'PENDING', 'SCHEDULED', 'CANCELLED', 'COMPLETED']

/** The state that a node shows: the one that a person should see first of those it stands for. */
export function leadingState(node: GraphNode): StateType {
  return WORST.find((type) => (node.states[type] ?? 0) > 0) ?? 'PENDING'
}
