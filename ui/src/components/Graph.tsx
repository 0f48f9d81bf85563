/** The graph of what each task run took from others. */
import '@xyflow/react/dist/base.css'

import { Switch, useComputedColorScheme } from '@mantine/core'
import { Background, Controls, type Edge, Handle, MiniMap, type Node, type NodeProps, Position, ReactFlow } from '@xyflow/react'
import { Link } from '@tanstack/react-router'
import { memo, useEffect, useMemo, useState } from 'react'

import type { TaskRun } from '../api/types'
import { buildGraph, type Graph as Shape, GROUP_ABOVE, type GraphNode, leadingState, type Places, shapeOf } from '../lib/graph'
import { toneOf } from '../lib/states'
import { NODE_HEIGHT, NODE_WIDTH, place } from './elk'
import classes from './Graph.module.css'
import { ErrorState, RowsSkeleton } from './Notices'
import { StateIcon } from './StateBadge'

type RunNode = Node<{ node: GraphNode; grouped: boolean }, 'run'>

const NODE_TYPES = { run: memo(RunBox) }

export function Graph({ tasks }: { tasks: readonly TaskRun[] }) {
  const many = tasks.length > GROUP_ABOVE
  const [grouped, setGrouped] = useState(many)
  const graph = useMemo(() => buildGraph(tasks, grouped), [tasks, grouped])
  const { places, error } = usePlaces(graph)
  const scheme = useComputedColorScheme('light')
  const nodes = useMemo<RunNode[]>(
    () =>
      places === undefined
        ? []
        : graph.nodes.flatMap((node) => {
            const position = places.get(node.id)
            // What has no place yet is not drawn: thousands of nodes on one spot would all be in sight.
            if (position === undefined) return []
            return [{ id: node.id, type: 'run', position, width: NODE_WIDTH, height: NODE_HEIGHT, data: { node, grouped: graph.grouped } }]
          }),
    [graph, places],
  )
  const edges = useMemo<Edge[]>(() => graph.edges.map(({ id, source, target }) => ({ id, source, target })), [graph])
  if (error !== undefined) return <ErrorState error={error} />
  return (
    <div className={classes.graph}>
      {tasks.length > 1 && (
        <Switch className={classes.switch} size="xs" label="One box for each task" checked={grouped} onChange={(event) => setGrouped(event.currentTarget.checked)} />
      )}
      {nodes.length === 0 ? (
        <RowsSkeleton rows={8} height={40} />
      ) : (
        <ReactFlow
          key={grouped ? 'tasks' : 'runs'}
          nodes={nodes}
          edges={edges}
          nodeTypes={NODE_TYPES}
          colorMode={scheme}
          fitView
          fitViewOptions={{ maxZoom: 1, minZoom: 0.4 }}
          minZoom={0.02}
          maxZoom={1.6}
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          edgesFocusable={false}
          elementsSelectable={false}
          onlyRenderVisibleElements={nodes.length > 200}
          preventScrolling={false}
          zoomOnScroll={false}
          panOnScroll={false}
          proOptions={{ hideAttribution: true }}
          aria-label={`Graph of ${graph.nodes.length} ${grouped ? 'tasks' : 'task runs'} and ${graph.edges.length} dependencies`}
        >
          <Background gap={22} />
          <Controls showInteractive={false} />
          {nodes.length > 40 && <MiniMap<RunNode> pannable zoomable ariaLabel="Overview of the graph" nodeColor={({ data }) => colorOf(data.node)} />}
        </ReactFlow>
      )}
    </div>
  )
}

/** Where the nodes of this shape go; what was placed before stays while the next is worked out. */
function usePlaces(graph: Shape): { places?: Places; error?: unknown } {
  const shape = shapeOf(graph)
  const [placed, setPlaced] = useState<{ places?: Places; error?: unknown }>({})
  useEffect(() => {
    let wanted = true
    place(graph).then(
      (places) => wanted && setPlaced({ places }),
      (error: unknown) => wanted && setPlaced({ error }),
    )
    return () => {
      wanted = false
    }
    // The shape stands for the graph: states change without moving a node.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [shape])
  return placed
}

const colorOf = (node: GraphNode) => `var(--state-${toneOf(leadingState(node))})`

function RunBox({ data: { node, grouped } }: NodeProps<RunNode>) {
  const state = leadingState(node)
  const inside = (
    <>
      <StateIcon type={state} name={node.stateName} size={16} label={node.stateName ?? state.toLowerCase()} />
      <span className="cut">{node.label}</span>
      {grouped && node.count > 1 && <span className={`numbers ${classes.count}`}>×{node.count.toLocaleString('en')}</span>}
    </>
  )
  return (
    <div className={classes.node} style={{ '--tone': colorOf(node) } as React.CSSProperties} title={node.label}>
      <Handle type="target" position={Position.Left} className={classes.handle} />
      {grouped ? (
        <div className={classes.inside}>{inside}</div>
      ) : (
        <Link to="/task-runs/$id" params={{ id: node.id }} className={`nopan ${classes.inside}`} preload={false}>
          {inside}
        </Link>
      )}
      {grouped && node.count > 1 && <Share node={node} />}
      <Handle type="source" position={Position.Right} className={classes.handle} />
    </div>
  )
}

/** How the task runs of a box are divided among the states. */
function Share({ node }: { node: GraphNode }) {
  return (
    <div className={classes.share}>
      {Object.entries(node.states).map(([type, count]) => (
        <i key={type} style={{ flexGrow: count, background: `var(--state-${type.toLowerCase()})` }} />
      ))}
    </div>
  )
}
