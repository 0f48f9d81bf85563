/** Places the nodes of a graph: elkjs does it well, in a worker of its own; very large ones are put in plain columns. */
import ELK, { type ELK as Elk } from 'elkjs/lib/elk-api'
import workerUrl from 'elkjs/lib/elk-worker.min.js?url'

import { type Graph, placeInColumns, type Places } from '../lib/graph'

export const NODE_WIDTH = 200
export const NODE_HEIGHT = 44

/** elkjs takes seconds for thousands of nodes, and is not better than columns where nobody sees more than a part. */
const CAREFUL_UP_TO = 400

let elk: Elk | undefined

export async function place(graph: Graph): Promise<Places> {
  if (graph.nodes.length > CAREFUL_UP_TO) return placeInColumns(graph, NODE_WIDTH + 64, NODE_HEIGHT + 14)
  elk ??= new ELK({ workerFactory: () => new Worker(workerUrl) })
  const placed = await elk.layout({
    id: 'root',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'RIGHT',
      'elk.spacing.nodeNode': '14',
      'elk.layered.spacing.nodeNodeBetweenLayers': '64',
      'elk.separateConnectedComponents': 'true',
      'elk.edgeRouting': 'POLYLINE',
    },
    children: graph.nodes.map((node) => ({ id: node.id, width: NODE_WIDTH, height: NODE_HEIGHT })),
    edges: graph.edges.map((edge) => ({ id: edge.id, sources: [edge.source], targets: [edge.target] })),
  })
  return new Map(placed.children?.map((child) => [child.id, { x: child.x ?? 0, y: child.y ?? 0 }]))
}
