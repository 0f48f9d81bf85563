/** The worker that places very large graphs, so that pages stay quick meanwhile. Started by `place`. */
import { type Graph, placeInColumns } from '../lib/graph'

export interface ColumnsRequest {
  id: number
  graph: Graph
  width: number
  height: number
}

self.addEventListener('message', ({ data }: MessageEvent<ColumnsRequest>) => {
  self.postMessage({ id: data.id, places: placeInColumns(data.graph, data.width, data.height) })
})
