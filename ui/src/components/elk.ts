/** Places the nodes of a graph, in workers: elkjs does it well; graphs too large for it are put in plain columns. */
import ELK, { type ELK as Elk } from 'elkjs/lib/elk-api'
import workerUrl from 'elkjs/lib/elk-worker.min.js?url'

import type { Graph, Places } from '../lib/graph'
import type { ColumnsRequest } from './columnsWorker'

export const NODE_WIDTH = 200
export const NODE_HEIGHT = 44

/** elkjs takes seconds for thousands of nodes, and is not better than columns where nobody sees more than a part. */
const CAREFUL_UP_TO = 400

let elk: Elk | undefined
let columns: Worker | undefined
let asked = 0

export async function place(graph: Graph): Promise<Places> {
  if (graph.nodes.length > CAREFUL_UP_TO) return placeFar(graph)
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

function placeFar(graph: Graph): Promise<Places> {
  columns ??= new Worker(new URL('./columnsWorker.ts', import.meta.url), { type: 'module' })
  const worker = columns
  const request: ColumnsRequest = { id: (asked += 1), graph, width: NODE_WIDTH + 64, height: NODE_HEIGHT + 14 }
  return new Promise((resolve, reject) => {
    const done = new AbortController()
    const answer = ({ data }: MessageEvent<{ id: number; places: Places }>) => {
      if (data.id !== request.id) return
      done.abort()
      performance.measure('towpath:graph-placed', { start: begun })
      resolve(data.places)
    }
    const fail = (event: ErrorEvent) => {
      done.abort()
      reject(new Error(`The graph could not be placed: ${event.message}`))
    }
    worker.addEventListener('message', answer, { signal: done.signal })
    worker.addEventListener('error', fail, { signal: done.signal })
    const begun = performance.now()
    worker.postMessage(request)
  })
}
