/** The attempts at a run: who claimed it, how each ended, and what Kubernetes has of it: the Job, the pods, what happened to them. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Server, TriangleAlert } from 'lucide-react'
import { type ReactNode, useMemo } from 'react'

import { deploymentQuery, flowQuery, workQueuePages } from '../api/declared'
import { type AttemptObjects, type Kubernetes, kubernetesQuery } from '../api/kubernetes'
import type { Attempt, FlowRun } from '../api/types'
import { toYaml } from '../lib/manifests'
import { mergeTemplates } from '../lib/podTemplates'
import classes from './Attempts.module.css'
import { ClusterObjects, Conditions, Events } from './ClusterObjects'
import { Id, Snippet } from './Copy'
import { Facts } from './Facts'
import { EmptyState, RowsSkeleton } from './Notices'
import { RelativeTime } from './Times'

export function Attempts({ run }: { run: FlowRun }) {
  const { attempts } = run
  const found = useQuery(kubernetesQuery(run))
  const cluster = found.data
  const known = new Map(cluster?.attempts.map((each) => [each.number, each]))
  const isInEffect = [...known.values()].some((each) => each.pod_template != null)
  return (
    <div className={classes.attempts}>
      <Problems problems={found.isError ? [`What Kubernetes has of this run cannot be shown: ${found.error.message}`] : cluster?.problems} />
      {attempts.length === 0 && (
        <div className="card">
          <EmptyState icon={Server} title="Nothing was started for this run">
            <p>A run that began in a process of its own, or that waits for a launcher, has no Job and no pod yet.</p>
          </EmptyState>
        </div>
      )}
      {[...attempts].reverse().map((attempt) => (
        <AttemptCard key={attempt.number} attempt={attempt} objects={known.get(attempt.number)}>
          {found.isPending ? <RowsSkeleton rows={2} height={40} /> : <InCluster cluster={cluster} objects={known.get(attempt.number)} />}
        </AttemptCard>
      ))}
      {cluster?.flow_run != null && (
        <section className={`card ${classes.card}`} aria-label="FlowRun">
          <h2 className={classes.heading}>FlowRun</h2>
          <Id value={cluster.flow_run.name} what="name of the FlowRun" />
          <Conditions conditions={cluster.flow_run.conditions} />
          <Events events={cluster.flow_run.events} />
        </section>
      )}
      {run.deployment_id != null && found.isSuccess && !isInEffect && <Template run={run} deploymentId={run.deployment_id} />}
      {run.resource != null && cluster?.in_cluster === true && <Closer run={run} />}
    </div>
  )
}

function InCluster({ cluster, objects }: { cluster: Kubernetes | undefined; objects: AttemptObjects | undefined }) {
  if (cluster === undefined) return null
  if (!cluster.in_cluster) return <p className={`muted ${classes.aside}`}>The server runs without Kubernetes: this attempt has no Job, no pod and no events of a cluster.</p>
  if (objects === undefined) return <p className={`muted ${classes.aside}`}>Kubernetes is asked for the newest attempts only.</p>
  return <ClusterObjects objects={objects} />
}

/** What Kubernetes did not tell. */
function Problems({ problems = [] }: { problems?: readonly string[] }) {
  if (problems.length === 0) return null
  return (
    <ul className={`card ${classes.problems}`} aria-label="What Kubernetes did not tell">
      {problems.map((problem) => (
        <li key={problem}>
          <TriangleAlert size={16} aria-hidden />
          <bdi className="wrap">{problem}</bdi>
        </li>
      ))}
    </ul>
  )
}

function AttemptCard({ attempt, objects, children }: { attempt: Attempt; objects: AttemptObjects | undefined; children: ReactNode }) {
  const pods = objects?.pods.map((pod) => pod.name) ?? []
  const isThere = pods.length > 0 && (attempt.pod_name == null || pods.includes(attempt.pod_name))
  const outcome = [attempt.outcome, attempt.reason, attempt.exit_code == null ? null : `exit code ${attempt.exit_code}`].filter(Boolean).join(' · ')
  return (
    <section className={`card ${classes.card}`} aria-label={`Attempt ${attempt.number}`}>
      <h2 className={classes.heading}>Attempt {attempt.number}</h2>
      <Facts
        facts={[
          { label: 'Outcome', value: attempt.outcome == null ? 'Goes on' : outcome },
          { label: 'Launcher', value: attempt.claimed_by == null ? '–' : <Id value={attempt.claimed_by} what="name of the launcher" /> },
          objects?.job == null && { label: 'Job', value: attempt.job_name == null ? '–' : <Id value={attempt.job_name} what="name of the Job" /> },
          !isThere && { label: 'Pod', value: attempt.pod_name == null ? '–' : <Id value={attempt.pod_name} what="name of the pod" /> },
          { label: 'Claimed', value: <RelativeTime time={attempt.claimed_at} /> },
          { label: 'Launched', value: <RelativeTime time={attempt.launched_at} /> },
          { label: 'Taken by the pod', value: <RelativeTime time={attempt.taken_at} /> },
          { label: 'Ended', value: <RelativeTime time={attempt.ended_at} /> },
        ]}
      />
      {children}
    </section>
  )
}

/** The same in a terminal, one command to copy for each. */
function Closer({ run }: { run: FlowRun }) {
  const last = run.attempts.at(-1)
  const at = `kubectl -n ${run.namespace}`
  const commands = [
    { label: 'FlowRun', text: `${at} describe flowrun ${run.resource?.name ?? ''}` },
    last?.job_name != null && { label: 'Job', text: `${at} describe job ${last.job_name}` },
    last?.pod_name != null && { label: 'Pod', text: `${at} describe pod ${last.pod_name}` },
    last?.pod_name != null && { label: 'What the pod prints', text: `${at} logs ${last.pod_name} --all-containers` },
  ]
  return (
    <details className={`card ${classes.card}`}>
      <summary className={classes.summary}>In a terminal</summary>
      <dl className={classes.commands}>
        {commands.map(
          (command) =>
            command !== false && (
              <div key={command.label}>
                <dt>{command.label}</dt>
                <dd>
                  <Snippet text={command.text} what={`command: ${command.label}`} />
                </dd>
              </div>
            ),
        )}
      </dl>
    </details>
  )
}

/** What is declared about its pods: the queue's, the flow's and the deployment's templates laid over one another. */
function Template({ run, deploymentId }: { run: FlowRun; deploymentId: string }) {
  const deployment = useQuery(deploymentQuery(deploymentId))
  const flow = useQuery(flowQuery(run.flow_id))
  const queues = useInfiniteQuery(workQueuePages([run.namespace]))
  const queue = queues.data?.pages.flatMap((page) => page.items).find((each) => each.name === run.work_queue)
  const merged = useMemo(
    () => mergeTemplates([queue?.spec.podTemplate, flow.data?.spec?.podTemplate, deployment.data?.spec.podTemplate]),
    [queue, flow.data, deployment.data],
  )
  if (queue === undefined || queue.spec.launcher !== 'Job' || flow.isPending || deployment.isPending) return null
  return (
    <section className={`card ${classes.card}`} aria-label="Pod template">
      <h2 className={classes.heading}>Pod template</h2>
      <p className={`muted ${classes.note}`}>What the queue, the flow and the deployment declare now, the later laid over the earlier.</p>
      {Object.keys(merged).length === 0 ? <p className={classes.note}>Nothing: its pods have the operator’s defaults.</p> : <Snippet what="pod template" text={toYaml(merged)} />}
    </section>
  )
}
