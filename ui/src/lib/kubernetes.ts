/** How Kubernetes objects are read by people: which state of ours their states look like, and what of them is trouble. Pure. */
import type { ClusterEvent, Condition, Container, ContainerEnd, Job, Pod } from '../api/kubernetes'
import type { FlowRun, RunState } from '../api/types'
import { isEnded } from './states'

/** A state as it is shown: the type gives icon and colour, the name is the word. */
export type Look = Pick<RunState, 'type' | 'name'>
export type Verdict = 'good' | 'bad' | 'neutral'

/** Pods end after their run, and the events of that come later still. */
const AFTER_END_MS = 60_000

export function isChanging(run: Pick<FlowRun, 'state' | 'end_time'>, now: number): boolean {
  if (!isEnded(run.state.type)) return true
  return now - Date.parse(run.end_time ?? run.state.time) < AFTER_END_MS
}

const PHASES: Record<string, Look['type']> = { Pending: 'PENDING', Running: 'RUNNING', Succeeded: 'COMPLETED', Failed: 'FAILED' }

export function lookOfPod(pod: Pick<Pod, 'phase' | 'deleting'>): Look {
  const ended = pod.phase === 'Succeeded' || pod.phase === 'Failed'
  if (pod.deleting && !ended) return { type: 'CANCELLING', name: 'Terminating' }
  return { type: PHASES[pod.phase] ?? 'PENDING', name: pod.phase }
}

export function lookOfJob(job: Pick<Job, 'conditions' | 'deleting' | 'suspended' | 'active'>): Look {
  const has = (type: string) => job.conditions.some((condition) => condition.type === type && condition.status === 'True')
  if (has('Complete')) return { type: 'COMPLETED', name: 'Complete' }
  if (has('Failed') || has('FailureTarget')) return { type: 'FAILED', name: 'Failed' }
  if (job.deleting) return { type: 'CANCELLING', name: 'Terminating' }
  if (job.suspended) return { type: 'PAUSED', name: 'Suspended' }
  return job.active > 0 ? { type: 'RUNNING', name: 'Active' } : { type: 'PENDING', name: 'Waiting' }
}

export function lookOfContainer(container: Pick<Container, 'state' | 'end'>): Look {
  switch (container.state) {
    case 'running':
      return { type: 'RUNNING', name: 'Running' }
    case 'terminated':
      return container.end?.exit_code === 0 ? { type: 'COMPLETED', name: 'Ended' } : { type: 'FAILED', name: 'Ended' }
    case 'waiting':
      return { type: 'PENDING', name: 'Waiting' }
    default:
      return { type: 'PENDING', name: 'Not reported' }
  }
}

/** Reasons of a container that waits and needs nobody. */
const PASSING = new Set(['', 'ContainerCreating', 'PodInitializing'])

/** Why a container is not well, in Kubernetes' own word; undefined for one that is. */
export function troubleOf(container: Pick<Container, 'state' | 'reason' | 'end'>): string | undefined {
  if (container.state === 'waiting' && !PASSING.has(container.reason)) return container.reason
  if (container.state === 'terminated' && container.end?.exit_code !== 0) return container.reason === '' ? 'Error' : container.reason
  return undefined
}

/** `exit code 137 (signal 9)`: what a container ended with; empty while it has not. */
export function describeEnd(end: Pick<ContainerEnd, 'exit_code' | 'signal'> | null | undefined): string {
  if (end == null) return ''
  const signal = end.signal ?? undefined
  if (end.exit_code == null) return signal === undefined ? '' : `signal ${signal}`
  return `exit code ${end.exit_code}${signal === undefined || signal === 0 ? '' : ` (signal ${signal})`}`
}

/** Conditions whose being true is bad news. */
const BAD = new Set(['Failed', 'FailureTarget', 'DisruptionTarget'])
/** Conditions whose being false is. */
const NEEDED = new Set(['PodScheduled', 'Succeeded'])

export function judgeCondition(condition: Pick<Condition, 'type' | 'status'>): Verdict {
  if (condition.status === 'True') return BAD.has(condition.type) ? 'bad' : 'good'
  return condition.status === 'False' && NEEDED.has(condition.type) ? 'bad' : 'neutral'
}

/** `12 times since 10:00:00`, or undefined for what happened once. */
export function describeCount(event: Pick<ClusterEvent, 'count' | 'first_time' | 'last_time'>, clock: (time: number) => string): string | undefined {
  if (event.count <= 1) return undefined
  const times = `${event.count.toLocaleString('en')} times`
  return event.first_time == null || event.first_time === event.last_time ? times : `${times} since ${clock(Date.parse(event.first_time))}`
}

/** An image's digest as people compare it: what follows the last `@` or `/`, cut. */
export function shortDigest(imageId: string): string {
  const digest = imageId.slice(imageId.lastIndexOf('@') + 1).split('/').at(-1) ?? ''
  return digest.startsWith('sha256:') ? digest.slice(0, 'sha256:'.length + 12) : digest
}
