/** The server itself: version and health. */
import { queryOptions } from '@tanstack/react-query'

import { ask, client } from './client'

export const versionQuery = queryOptions({
  queryKey: ['version'] as const,
  queryFn: ({ signal }) => ask(client.GET('/api/version', { signal })),
  staleTime: Infinity,
})

export const healthQuery = queryOptions({
  queryKey: ['health'] as const,
  queryFn: ({ signal }) => ask(client.GET('/api/health', { signal })),
  refetchInterval: 15_000,
})
