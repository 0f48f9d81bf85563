/** What is declared, in the namespaces that are asked for or in all: flows, deployments, work queues, blocks, notifications, automations, concurrency limits. */
import { type InfiniteData, infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'

import { ask, client, type Schemas } from './client'
import type { Automation, Block, ConcurrencyLimit, Deployment, Flow, LimitSlots, Notification, Page, PlannedRuns, Schedule, WorkQueue } from './types'

const LIST_LIMIT = 200

/** The names of what was asked for, each once, to choose from. */
export const namesOf = <T>(data: InfiniteData<Page<T>> | undefined, nameOf: (item: T) => string): string[] => [...new Set(data?.pages.flatMap((page) => page.items.map(nameOf)))]

export const declaredKeys = {
  flows: ['flows'] as const,
  deployments: ['deployments'] as const,
  workQueues: ['work-queues'] as const,
  blocks: ['blocks'] as const,
  notifications: ['notifications'] as const,
  automations: ['automations'] as const,
  concurrencyLimits: ['concurrency-limits'] as const,
}

export const flowPages = (namespace?: string[]) =>
  infiniteQueryOptions({
    queryKey: [...declaredKeys.flows, 'pages', namespace] as const,
    queryFn: ({ pageParam, signal }) =>
      ask<Page<Flow>>(client.GET('/api/flows', { params: { query: { namespace, limit: LIST_LIMIT, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  })

export const flowQuery = (id: string) =>
  queryOptions({
    queryKey: [...declaredKeys.flows, 'one', id] as const,
    queryFn: ({ signal }) => ask<Flow>(client.GET('/api/flows/{item_id}', { params: { path: { item_id: id } }, signal })),
  })

export const deploymentPages = (namespace?: string[]) =>
  infiniteQueryOptions({
    queryKey: [...declaredKeys.deployments, 'pages', namespace] as const,
    queryFn: ({ pageParam, signal }) =>
      ask<Page<Deployment>>(client.GET('/api/deployments', { params: { query: { namespace, limit: LIST_LIMIT, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  })

export const deploymentQuery = (id: string) =>
  queryOptions({
    queryKey: [...declaredKeys.deployments, 'one', id] as const,
    queryFn: ({ signal }) =>
      ask<Deployment>(client.GET('/api/deployments/{item_id}', { params: { path: { item_id: id } }, signal })),
  })

export const workQueuePages = (namespace?: string[]) =>
  infiniteQueryOptions({
    queryKey: [...declaredKeys.workQueues, 'pages', namespace] as const,
    queryFn: ({ pageParam, signal }) =>
      ask<Page<WorkQueue>>(client.GET('/api/work-queues', { params: { query: { namespace, limit: LIST_LIMIT, cursor: pageParam } }, signal })),
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

/** Declares the deployment again with other schedules: `change` is given those that it has at this moment. */
export async function changeSchedules(id: string, change: (schedules: Schedule[]) => Schedule[]): Promise<Deployment> {
  const deployment = await ask<Deployment>(client.GET('/api/deployments/{item_id}', { params: { path: { item_id: id } } }))
  return changeDeployment(deployment, { schedules: change(deployment.spec.schedules) })
}

/** Declares the queue again with `changes` laid over its spec. */
export function changeWorkQueue(queue: WorkQueue, changes: Partial<Schemas['WorkQueueSpec']>): Promise<WorkQueue> {
  const body = { namespace: queue.namespace, name: queue.name, spec: { ...queue.spec, ...changes } }
  return ask<WorkQueue>(client.PUT('/api/work-queues', { body }))
}

export const blockPages = (namespace?: string[]) =>
  infiniteQueryOptions({
    queryKey: [...declaredKeys.blocks, 'pages', namespace] as const,
    queryFn: ({ pageParam, signal }) =>
      ask<Page<Block>>(client.GET('/api/blocks', { params: { query: { namespace, limit: LIST_LIMIT, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  })

export const notificationPages = (namespace?: string[]) =>
  infiniteQueryOptions({
    queryKey: [...declaredKeys.notifications, 'pages', namespace] as const,
    queryFn: ({ pageParam, signal }) =>
      ask<Page<Notification>>(client.GET('/api/notifications', { params: { query: { namespace, limit: LIST_LIMIT, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  })

export const automationPages = (namespace?: string[]) =>
  infiniteQueryOptions({
    queryKey: [...declaredKeys.automations, 'pages', namespace] as const,
    queryFn: ({ pageParam, signal }) =>
      ask<Page<Automation>>(client.GET('/api/automations', { params: { query: { namespace, limit: LIST_LIMIT, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  })

export const concurrencyLimitPages = (namespace?: string[]) =>
  infiniteQueryOptions({
    queryKey: [...declaredKeys.concurrencyLimits, 'pages', namespace] as const,
    queryFn: ({ pageParam, signal }) =>
      ask<Page<ConcurrencyLimit>>(client.GET('/api/concurrency-limits', { params: { query: { namespace, limit: LIST_LIMIT, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  })

/** Declares a limit, or changes the one of this tag. */
export function putConcurrencyLimit(namespace: string, spec: Schemas['ConcurrencyLimitSpec']): Promise<ConcurrencyLimit> {
  return ask<ConcurrencyLimit>(client.PUT('/api/concurrency-limits', { body: { namespace, name: spec.tag, spec } }))
}

/** Declares a notification, or changes the one of this name. */
export function putNotification(namespace: string, name: string, spec: Schemas['NotificationSpec']): Promise<Notification> {
  return ask<Notification>(client.PUT('/api/notifications', { body: { namespace, name, spec } }))
}

/** Declares an automation, or changes the one of this name. */
export function putAutomation(namespace: string, name: string, spec: Schemas['AutomationSpec']): Promise<Automation> {
  return ask<Automation>(client.PUT('/api/automations', { body: { namespace, name, spec } }))
}

/** Declares a queue by its name, with defaults for what `spec` leaves out. */
export function putWorkQueue(namespace: string, name: string, spec: Partial<Schemas['WorkQueueSpec']>): Promise<WorkQueue> {
  // The generated type asks for fields that have defaults, too.
  return ask<WorkQueue>(client.PUT('/api/work-queues', { body: { namespace, name, spec: spec as Schemas['WorkQueueSpec'] } }))
}

/** Takes a declaration away, and gives what puts it back; nothing can where secrets went with it. */
export async function deleteDeclared(kind: DeletableKind, item: Deletable): Promise<(() => Promise<unknown>) | undefined> {
  // In a cluster the resource goes too: else the operator would declare it again.
  const params = { params: { path: { item_id: item.id }, query: { resource: item.resource != null } } }
  const body = { namespace: item.namespace, name: item.name, spec: item.spec as never }
  switch (kind) {
    case 'blocks':
      await ask(client.DELETE('/api/blocks/{item_id}', params))
      if (hasSecrets(item)) return undefined
      return () => ask(client.PUT('/api/blocks', { body: { ...body, secrets: {}, keep_secrets: true } }))
    case 'notifications':
      await ask(client.DELETE('/api/notifications/{item_id}', params))
      return () => ask(client.PUT('/api/notifications', { body }))
    case 'automations':
      await ask(client.DELETE('/api/automations/{item_id}', params))
      return () => ask(client.PUT('/api/automations', { body }))
    case 'concurrency-limits':
      await ask(client.DELETE('/api/concurrency-limits/{item_id}', params))
      return () => ask(client.PUT('/api/concurrency-limits', { body }))
    case 'work-queues':
      await ask(client.DELETE('/api/work-queues/{item_id}', params))
      return () => ask(client.PUT('/api/work-queues', { body }))
  }
}

/** Whether it is a block whose secrets go with it when it is deleted. */
export const hasSecrets = (item: Deletable): boolean => Array.isArray((item.spec as { secretRefs?: unknown[] }).secretRefs) && (item.spec as { secretRefs: unknown[] }).secretRefs.length > 0

export type DeletableKind = 'blocks' | 'notifications' | 'automations' | 'concurrency-limits' | 'work-queues'
export type Deletable = Pick<WorkQueue, 'id' | 'namespace' | 'name' | 'resource'> & { spec: unknown }

/** Who holds slots of a limit, and who waits for one. */
export const limitSlotsQuery = (id: string) =>
  queryOptions({
    queryKey: [...declaredKeys.concurrencyLimits, 'slots', id] as const,
    queryFn: ({ signal }) => ask<LimitSlots>(client.GET('/api/concurrency-limits/{limit_id}/slots', { params: { path: { limit_id: id } }, signal })),
  })

/** Frees slots whose holders are stuck: those of `holders`, or all that are held. */
export async function releaseSlots(id: string, holders?: string[]): Promise<number> {
  const params = { params: { path: { limit_id: id } } }
  const { released } = await ask(client.POST('/api/concurrency-limits/{limit_id}/release', { ...params, body: { holders: holders ?? null } }))
  return released
}

/** The times at which schedules that are not paused will make runs. */
export const plannedRuns = (namespace: string[] | undefined, deployment: string[] | undefined, since: string, until: string) =>
  queryOptions({
    queryKey: [...declaredKeys.deployments, 'planned', namespace, deployment, since, until] as const,
    queryFn: ({ signal }) => ask<PlannedRuns>(client.GET('/api/schedules', { params: { query: { namespace, deployment, since, until, limit: 5_000 } }, signal })),
    placeholderData: keepPreviousData,
  })
