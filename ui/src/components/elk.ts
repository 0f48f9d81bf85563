/** Places the nodes of a graph, in a worker of its own so that the page stays quick. */
import ELK, { type ELK as Elk } from 'elkjs/lib/elk-api'
import workerUrl from 'elkjs/lib/elk-worker.min.js?url'

import type { Graph } from '../lib/graph'

export const NODE_WIDTH = 200
export const NODE_HEIGHT = 44

export type Places = ReadonlyMap<string, { x: number; y: number }>

let elk: Elk | undefined

export async function place(graph: Graph): Promise<Places> {
  elk ??= new ELK({ workerFactory: () => new Worker(workerUrl) })
  const placed = await elk.layout({
    id: 'root',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'RIGHT',
      'elk.spacing.nodeNode': '14',
      'elk.layered.spacing.nodeNodeBetweenLayers': '64',
      'elk.separateConnectedComponents': 'true',
      'elk.layered.crossingMinimization.forceNodeModelOrder': graph.nodes.length > 1_000 ? 'true' : 'false',
      'elk.layered.nodePlacement.strategy': graph.nodes.length > 400 ? 'SIMPLE' : 'BRANDES_KOEPF',
      'elk.layered.thoroughness': graph.nodes.length > 400 ? '1' : '7',
      'elk.edgeRouting': 'POLYLINE',
    },
    children: graph.nodes.map((node) => ({ id: node.id, width: NODE_WIDTH, height: NODE_HEIGHT })),
    edges: graph.edges.map((edge) => ({ id: edge.id, sources: [edge.source], targets: [edge.target] })),
  })
  return new Map(placed.children?.map((child) => [child.id, { x: child.x ?? 0, y: child.y ?? 0 }]))
}
