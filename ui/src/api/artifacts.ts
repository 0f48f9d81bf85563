/** Artifacts: what runs show to people. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'

import { ask, client } from './client'
import type { Artifact, Page } from './types'

export const ARTIFACTS = 'artifacts'

export interface ArtifactQuery {
  namespace?: string[]
  key?: string
  type?: Artifact['type']
  flow_run_id?: string
  task_run_id?: string
  latest?: boolean
}

export const artifactPages = (query: ArtifactQuery) =>
  infiniteQueryOptions({
    queryKey: [ARTIFACTS, 'pages', query] as const,
    queryFn: ({ pageParam, signal }) =>
      ask<Page<Artifact>>(client.GET('/api/artifacts', { params: { query: { ...query, limit: 200, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  })

export const artifactQuery = (id: string) =>
  queryOptions({
    queryKey: [ARTIFACTS, 'one', id] as const,
    queryFn: ({ signal }) => ask<Artifact>(client.GET('/api/artifacts/{artifact_id}', { params: { path: { artifact_id: id } }, signal })),
  })

export function deleteArtifact(id: string): Promise<unknown> {
  return ask(client.DELETE('/api/artifacts/{artifact_id}', { params: { path: { artifact_id: id } } }))
}
