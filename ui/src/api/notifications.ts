/** What became of a notification's messages, and test messages. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'

import { ask, client } from './client'
import { declaredKeys } from './declared'
import type { Delivery, NotificationTested, Page } from './types'

const listDeliveries = (id: string, limit: number, cursor?: string, signal?: AbortSignal) =>
  ask<Page<Delivery>>(client.GET('/api/notifications/{item_id}/deliveries', { params: { path: { item_id: id }, query: { limit, cursor } }, signal }))

export const deliveryPages = (id: string) =>
  infiniteQueryOptions({
    queryKey: [...declaredKeys.notifications, 'deliveries', id] as const,
    queryFn: ({ pageParam, signal }) => listDeliveries(id, 50, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  })

/** The latest message, if there was one. */
export const lastDelivery = (id: string) =>
  queryOptions({
    queryKey: [...declaredKeys.notifications, 'last', id] as const,
    queryFn: async ({ signal }) => (await listDeliveries(id, 1, undefined, signal)).items[0] ?? null,
  })

export function testNotification(id: string): Promise<NotificationTested> {
  return ask<NotificationTested>(client.POST('/api/notifications/{item_id}/test', { params: { path: { item_id: id } } }))
}
