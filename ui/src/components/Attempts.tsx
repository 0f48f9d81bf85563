/** The attempts at a run: who claimed it, its Job and pod, how each ended; in a cluster, how to look closer. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Server } from 'lucide-react'
import { useMemo } from 'react'

import { deploymentQuery, flowQuery, workQueuePages } from '../api/declared'
import type { Attempt, FlowRun } from '../api/types'
import { toYaml } from '../lib/manifests'
import { mergeTemplates } from '../lib/podTemplates'
import { Id, Snippet } from './Copy'
import classes from './Attempts.module.css'
import { Facts } from './Facts'
import { EmptyState } from './Notices'
import { RelativeTime } from './Times'

export function Attempts({ run }: { run: FlowRun }) {
  const { attempts } = run
  return (
    <div className={classes.attempts}>
      {attempts.length === 0 && (
        <div className="card">
          <EmptyState icon={Server} title="Nothing was started for this run">
            <p>A run that began in a process of its own, or that waits for a launcher, has no Job and no pod yet.</p>
          </EmptyState>
        </div>
      )}
      {[...attempts].reverse().map((attempt) => (
        <AttemptCard key={attempt.number} attempt={attempt} />
      ))}
      {run.resource != null && <Closer run={run} />}
      {run.deployment_id != null && <Template run={run} deploymentId={run.deployment_id} />}
    </div>
  )
}

function AttemptCard({ attempt }: { attempt: Attempt }) {
  const outcome = [attempt.outcome, attempt.reason, attempt.exit_code == null ? null : `exit code ${attempt.exit_code}`].filter(Boolean).join(' · ')
  return (
    <section className={`card ${classes.card}`} aria-label={`Attempt ${attempt.number}`}>
      <Facts
        facts={[
          { label: 'Attempt', value: <strong>{attempt.number}</strong> },
          { label: 'Outcome', value: attempt.outcome == null ? 'Goes on' : outcome },
          { label: 'Launcher', value: attempt.claimed_by == null ? '–' : <Id value={attempt.claimed_by} what="name of the launcher" /> },
          { label: 'Job', value: attempt.job_name == null ? '–' : <Id value={attempt.job_name} what="name of the Job" /> },
          { label: 'Pod', value: attempt.pod_name == null ? '–' : <Id value={attempt.pod_name} what="name of the pod" /> },
          { label: 'Claimed', value: <RelativeTime time={attempt.claimed_at} /> },
          { label: 'Launched', value: <RelativeTime time={attempt.launched_at} /> },
          { label: 'Taken by the pod', value: <RelativeTime time={attempt.taken_at} /> },
          { label: 'Ended', value: <RelativeTime time={attempt.ended_at} /> },
        ]}
      />
    </section>
  )
}

/** What only the cluster knows: conditions, events and the pod as it was made, one command to copy for each. */
function Closer({ run }: { run: FlowRun }) {
  const last = run.attempts.at(-1)
  const at = `kubectl -n ${run.namespace}`
  const commands = [
    { label: 'Conditions', text: `${at} get flowrun ${run.resource?.name ?? ''} -o yaml` },
    last?.job_name != null && { label: 'Job and its events', text: `${at} describe job ${last.job_name}` },
    last?.pod_name != null && { label: 'Pod and its events', text: `${at} describe pod ${last.pod_name}` },
    last?.job_name != null && { label: 'Pod template as it was made', text: `${at} get job ${last.job_name} -o jsonpath='{.spec.template}'` },
    last?.pod_name != null && { label: 'What the pod prints', text: `${at} logs ${last.pod_name} --all-containers` },
  ]
  return (
    <section className={`card ${classes.card}`} aria-label="In the cluster">
      <h2 className={classes.heading}>Look closer in the cluster</h2>
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
    </section>
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
