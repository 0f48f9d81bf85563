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

const WORST: readonly StateType[] = ['FAILED', 'CRASHED', 'RUNNING', 'CANCELLING', 'PAUSED', 'PENDING', 'SCHEDULED', 'CANCELLED', 'COMPLETED']

/** The state that a node shows: the one that a person should see first of those it stands for. */
export function leadingState(node: GraphNode): StateType {
  return WORST.find((type) => (node.states[type] ?? 0) > 0) ?? 'PENDING'
}
