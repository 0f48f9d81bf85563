/**
 * Who the person is and what they may do. A token becomes a cookie that no script can read; what changes something carries the
 * proof that the server gave with the session.
 */
import { queryOptions, useQuery } from '@tanstack/react-query'

import { ApiError, ask, client, keepProof } from './client'
import type { Session } from './types'

export type Verb = 'list' | 'create' | 'update' | 'delete'
export type Resource = 'flows' | 'deployments' | 'workqueues' | 'blocks' | 'flowruns' | 'notifications' | 'automations' | 'concurrencylimits'

export const sessionQuery = queryOptions({
  queryKey: ['session'] as const,
  queryFn: async ({ signal }) => {
    const session = await ask<Session>(client.GET('/api/session', { signal }))
    keepProof(session.csrf_token ?? undefined)
    return session
  },
  staleTime: 60_000,
  retry: (count, error) => count < 3 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
})

/** Begins a session with a token. Throws `ApiError` with status 401 for one that the server does not take. */
export async function beginSession(token: string): Promise<Session> {
  const session = await ask<Session>(client.POST('/api/session', { headers: { Authorization: `Bearer ${token}` } }))
  keepProof(session.csrf_token ?? undefined)
  return session
}

export async function endSession(): Promise<void> {
  await ask(client.DELETE('/api/session'))
  keepProof(undefined)
}

/** Whether the session allows it: in `namespace`, or anywhere if that is left out. */
export function allows(session: Session, verb: Verb, resource: Resource, namespace?: string): boolean {
  if (session.everywhere[resource]?.includes(verb) === true) return true
  const known = session.namespaces.filter((each) => namespace === undefined || each.namespace === namespace)
  // Of a namespace that is not among those shown nothing is known: the server says no if it must.
  if (namespace !== undefined && known.length === 0) return session.truncated
  return known.some((each) => each.allowed[resource]?.includes(verb) === true)
}

/** Whether the person may, so that what they may not do is not offered; false until that is known. */
export function useMay(verb: Verb, resource: Resource, namespace?: string): boolean {
  const session = useQuery(sessionQuery)
  if (session.data === undefined) return session.isError // what the person may do is not known, and the server decides
  return allows(session.data, verb, resource, namespace)
}
