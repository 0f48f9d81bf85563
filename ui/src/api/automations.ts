/** What automations had to do, and what became of it. */
import { infiniteQueryOptions } from '@tanstack/react-query'

import { ask, client } from './client'
import { declaredKeys } from './declared'
import type { Firing, Page } from './types'

export const firingPages = (id: string) =>
  infiniteQueryOptions({
    queryKey: [...declaredKeys.automations, 'firings', id] as const,
    queryFn: ({ pageParam, signal }) =>
      ask<Page<Firing>>(client.GET('/api/automations/{item_id}/firings', { params: { path: { item_id: id }, query: { limit: 50, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  })
