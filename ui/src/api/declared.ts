/** What is declared: flows, deployments, work queues. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'

import { ask, client, type Schemas } from './client'
import type { Deployment, Flow, Page, WorkQueue } from './types'

const LIST_LIMIT = 200

export const declaredKeys = {
  flows: ['flows'] as const,
  deployments: ['deployments'] as const,
  workQueues: ['work-queues'] as const,
}

export const flowPages = infiniteQueryOptions({
  queryKey: [...declaredKeys.flows, 'pages'] as const,
  queryFn: ({ pageParam, signal }) =>
    ask<Page<Flow>>(client.GET('/api/flows', { params: { query: { limit: LIST_LIMIT, cursor: pageParam } }, signal })),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next_cursor ?? undefined,
})

export const flowQuery = (id: string) =>
  queryOptions({
    queryKey: [...declaredKeys.flows, 'one', id] as const,
    queryFn: ({ signal }) => ask<Flow>(client.GET('/api/flows/{item_id}', { params: { path: { item_id: id } }, signal })),
  })

export const deploymentPages = infiniteQueryOptions({
  queryKey: [...declaredKeys.deployments, 'pages'] as const,
  queryFn: ({ pageParam, signal }) =>
    ask<Page<Deployment>>(
      client.GET('/api/deployments', { params: { query: { limit: LIST_LIMIT, cursor: pageParam } }, signal }),
    ),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next_cursor ?? undefined,
})

export const deploymentQuery = (id: string) =>
  queryOptions({
    queryKey: [...declaredKeys.deployments, 'one', id] as const,
    queryFn: ({ signal }) =>
      ask<Deployment>(client.GET('/api/deployments/{item_id}', { params: { path: { item_id: id } }, signal })),
  })

export const workQueuePages = infiniteQueryOptions({
  queryKey: [...declaredKeys.workQueues, 'pages'] as const,
  queryFn: ({ pageParam, signal }) =>
    ask<Page<WorkQueue>>(
      client.GET('/api/work-queues', { params: { query: { limit: LIST_LIMIT, cursor: pageParam } }, signal }),
    ),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next_cursor ?? undefined,
})

export const workQueueQuery = (id: string) =>
  queryOptions({
    queryKey: [...declaredKeys.workQueues, 'one', id] as const,
    queryFn: ({ signal }) =>
      ask<WorkQueue>(client.GET('/api/work-queues/{item_id}', { params: { path: { item_id: id } }, signal })),
  })

/** Declares the deployment again with `changes` laid over its spec. */
export function changeDeployment(deployment: Deployment, changes: Partial<Schemas['DeploymentSpec']>): Promise<Deployment> {
  const body = { namespace: deployment.namespace, name: deployment.name, spec: { ...deployment.spec, ...changes } }
  return ask<Deployment>(client.PUT('/api/deployments', { body }))
}

/** Declares the queue again with `changes` laid over its spec. */
export function changeWorkQueue(queue: WorkQueue, changes: Partial<Schemas['WorkQueueSpec']>): Promise<WorkQueue> {
  const body = { namespace: queue.namespace, name: queue.name, spec: { ...queue.spec, ...changes } }
  return ask<WorkQueue>(client.PUT('/api/work-queues', { body }))
}
