/** What Kubernetes has of a run, as it is now. */
import { queryOptions } from '@tanstack/react-query'

import { isChanging } from '../lib/kubernetes'
import { ask, client, type Schemas } from './client'
import type { FlowRun } from './types'

export type Kubernetes = Schemas['KubernetesRead']
export type AttemptObjects = Schemas['AttemptObjectsRead']
export type Condition = Schemas['ConditionRead']
export type Container = Schemas['ContainerRead']
export type ContainerEnd = Schemas['ContainerEndRead']
export type ClusterEvent = Schemas['EventRead']
export type Pod = Schemas['PodRead']
export type Job = Schemas['JobRead']

const POLL_MS = 3_000

/** Asked anew as long as something may change: no stream tells of what happens to pods. */
export const kubernetesQuery = (run: FlowRun) =>
  queryOptions({
    queryKey: ['kubernetes', run.id] as const,
    queryFn: ({ signal }) => ask<Kubernetes>(client.GET('/api/flow-runs/{run_id}/kubernetes', { params: { path: { run_id: run.id } }, signal })),
    refetchInterval: (query) => query.state.data?.in_cluster !== false && isChanging(run, Date.now()) && POLL_MS,
  })
