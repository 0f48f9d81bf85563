/** The server itself: version and health. */
import { queryOptions } from '@tanstack/react-query'

import { ask, client } from './client'

export const versionQuery = queryOptions({
  queryKey: ['version'] as const,
  queryFn: ({ signal }) => ask(client.GET('/api/version', { signal })),
  staleTime: Infinity,
})

/** The server with its database and what it keeps; refused to those who may not list runs. */
export const serverQuery = queryOptions({
  queryKey: ['server'] as const,
  queryFn: ({ signal }) => ask(client.GET('/api/server', { signal })),
  refetchInterval: 15_000,
})

export const healthQuery = queryOptions({
  queryKey: ['health'] as const,
  queryFn: ({ signal }) => ask(client.GET('/api/health', { signal })),
  refetchInterval: 15_000,
})
