/** Block types, and blocks as they are saved: their configuration, and secrets that only go in. */
import { infiniteQueryOptions } from '@tanstack/react-query'

import { ask, client } from './client'
import type { Block, BlockType, Page } from './types'

export const blockTypePages = (namespace?: string[]) =>
  infiniteQueryOptions({
    queryKey: ['block-types', namespace] as const,
    queryFn: ({ pageParam, signal }) =>
      ask<Page<BlockType>>(client.GET('/api/block-types', { params: { query: { namespace, limit: 200, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: 60_000,
  })

export interface BlockChanges {
  namespace: string
  type: string
  name: string
  config: Record<string, unknown>
  /** By field: a new value, or null to take away what is kept. Fields that are not named stay as they are. */
  secrets: Record<string, string | null>
}

/** @param before the block that is changed; without it a new one is made, and one that is there is not replaced. */
export function saveBlock({ namespace, type, name, config, secrets }: BlockChanges, before?: Block): Promise<Block> {
  const body = { namespace, name, spec: { type, config, secretRefs: before?.spec.secretRefs ?? [] }, secrets, keep_secrets: true }
  return ask<Block>(client.PUT('/api/blocks', { params: { query: { overwrite: before !== undefined } }, body }))
}
