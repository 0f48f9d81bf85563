/** Kubernetes objects as it has them now: Jobs, pods with their containers, conditions, events. Texts in them are anybody's. */
import { CircleCheck, CircleDashed, CircleX, Info, TriangleAlert } from 'lucide-react'
import { type ReactNode, useLayoutEffect, useRef, useState } from 'react'

import type { AttemptObjects, ClusterEvent, Condition, Container, Job, Pod } from '../api/kubernetes'
import { describeCount, describeEnd, judgeCondition, lookOfContainer, lookOfJob, lookOfPod, shortDigest, troubleOf, type Verdict } from '../lib/kubernetes'
import { toYaml } from '../lib/manifests'
import { formatClock } from '../lib/times'
import classes from './ClusterObjects.module.css'
import { Id, Snippet } from './Copy'
import { StateBadge } from './StateBadge'
import { RelativeTime } from './Times'

/** The objects of one attempt. */
export function ClusterObjects({ objects }: { objects: AttemptObjects }) {
  const { job, pods, events, pod_template: template } = objects
  if (job == null && pods.length === 0 && events.length === 0) {
    return (
      <p className={`muted ${classes.nothing}`}>
        Kubernetes has nothing of this attempt: its Job is not made yet or is gone with its pods and events, or an agent runs it as a process.
      </p>
    )
  }
  return (
    <>
      {job != null && <JobPart job={job} />}
      {pods.map((pod) => (
        <PodPart key={pod.uid} pod={pod} />
      ))}
      {pods.length === 0 && <p className={`muted ${classes.nothing}`}>{job == null ? 'Its Job and its pods are gone. ' : 'It has no pod now. '}Events are kept for about an hour.</p>}
      <Events events={events} />
      {template != null && (
        <details className={classes.more}>
          <summary>Pod template in effect</summary>
          <p className="muted">The Job’s own. Values of environment variables and what else may be secret are hidden.</p>
          <Snippet what="pod template" text={toYaml(template)} />
        </details>
      )}
    </>
  )
}

function Part({ title, name, look, children }: { title: string; name: string; look: ReactNode; children: ReactNode }) {
  return (
    <section className={classes.part} aria-label={`${title} ${name}`}>
      <div className={classes.head}>
        <h3>{title}</h3>
        {look}
        <Id value={name} what={`name of the ${title}`} />
      </div>
      {children}
    </section>
  )
}

function JobPart({ job }: { job: Job }) {
  const counts = [
    [job.active, 'active'],
    [job.succeeded, 'succeeded'],
    [job.failed, 'failed'],
  ] as const
  const told = counts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`)
  return (
    <Part title="Job" name={job.name} look={<StateBadge state={lookOfJob(job)} />}>
      <p className={classes.line}>
        <span>
          Made <RelativeTime time={job.created} />
        </span>
        {told.length > 0 && <span>Pods: {told.join(', ')}</span>}
        {job.end_time != null && (
          <span>
            Complete <RelativeTime time={job.end_time} />
          </span>
        )}
      </p>
      <Conditions conditions={job.conditions} />
    </Part>
  )
}

function PodPart({ pod }: { pod: Pod }) {
  return (
    <Part title="Pod" name={pod.name} look={<StateBadge state={lookOfPod(pod)} />}>
      <p className={classes.line}>
        <span>
          Made <RelativeTime time={pod.created} />
        </span>
        <span>{pod.node === '' ? 'On no node yet' : <>Node <bdi className="wrap">{pod.node}</bdi></>}</span>
      </p>
      {pod.reason !== '' && <Trouble reason={pod.reason} message={pod.message} />}
      <ul className={classes.rows} aria-label="Containers">
        {pod.containers.map((container) => (
          <ContainerRow key={`${container.role}/${container.name}`} container={container} />
        ))}
      </ul>
      <Conditions conditions={pod.conditions} />
    </Part>
  )
}

const ROLES = { main: undefined, init: 'init container', debug: 'debug container' } as const

function ContainerRow({ container }: { container: Container }) {
  const trouble = troubleOf(container)
  const facts = [
    describeEnd(container.end),
    trouble === undefined ? container.reason : undefined,
    container.restarts > 0 && `${container.restarts} ${container.restarts === 1 ? 'restart' : 'restarts'}`,
    container.last_end != null && `before that ${[container.last_end.reason, describeEnd(container.last_end)].filter(Boolean).join(', ')}`,
  ].filter(Boolean)
  const digest = shortDigest(container.image_id)
  return (
    <li className={classes.container}>
      <StateBadge state={lookOfContainer(container)} />
      <div className={classes.what}>
        <div className={classes.line}>
          <bdi className={`wrap ${classes.name}`}>{container.name}</bdi>
          {ROLES[container.role] !== undefined && <span className="muted">{ROLES[container.role]}</span>}
          {facts.length > 0 && <bdi className="wrap">{facts.join(' · ')}</bdi>}
        </div>
        <div className={`muted ${classes.image}`}>
          <span className="mono wrap">{container.image === '' ? 'no image' : <Long text={container.image} />}</span>
          {digest !== '' && (
            <span className="mono" title={container.image_id}>
              {digest}
            </span>
          )}
        </div>
        {trouble !== undefined ? (
          <Trouble reason={trouble} message={container.message} />
        ) : (
          container.message !== '' && (
            <p className={`wrap ${classes.message}`}>
              <Long text={container.message} />
            </p>
          )
        )}
      </div>
    </li>
  )
}

function Trouble({ reason, message }: { reason: string; message: string }) {
  return (
    <p className={classes.trouble}>
      <TriangleAlert size={15} aria-hidden />
      <span className="wrap">
        <strong>{reason}</strong>
        {message !== '' && (
          <>
            {' '}
            <Long text={message} />
          </>
        )}
      </span>
    </p>
  )
}

const SHOWN = 300

/** A text that may be longer than anybody wants to read. */
function Long({ text }: { text: string }) {
  const [whole, setWhole] = useState(false)
  if (whole || text.length <= SHOWN) return <>{text}</>
  return (
    <>
      {text.slice(0, SHOWN)}…{' '}
      <button type="button" className={classes.all} onClick={() => setWhole(true)}>
        Show all
      </button>
    </>
  )
}

const VERDICTS: Record<Verdict, { icon: typeof CircleCheck; color: string }> = {
  good: { icon: CircleCheck, color: 'var(--state-completed)' },
  bad: { icon: CircleX, color: 'var(--state-failed)' },
  neutral: { icon: CircleDashed, color: 'var(--muted)' },
}

export function Conditions({ conditions }: { conditions: readonly Condition[] }) {
  if (conditions.length === 0) return null
  return (
    <ul className={classes.conditions} aria-label="Conditions">
      {conditions.map((condition) => {
        const { icon: Icon, color } = VERDICTS[judgeCondition(condition)]
        return (
          <li key={condition.type}>
            <Icon size={14} color={color} aria-hidden />
            <span className="wrap">
              <strong>{condition.type}</strong> {condition.status}
              {condition.reason !== '' && <span className="muted"> · {condition.reason}</span>}
              {condition.time != null && (
                <span className="muted">
                  {' · '}
                  <RelativeTime time={condition.time} />
                </span>
              )}
              {condition.message !== '' && (
                <span className={`muted ${classes.said}`}>
                  <Long text={condition.message} />
                </span>
              )}
            </span>
          </li>
        )
      })}
    </ul>
  )
}

/** What happened, newest last: there the list begins, and stays unless somebody scrolls up. */
export function Events({ events }: { events: readonly ClusterEvent[] }) {
  const list = useRef<HTMLOListElement>(null)
  const atEnd = useRef(true)
  useLayoutEffect(() => {
    if (atEnd.current) list.current?.scrollTo({ top: list.current.scrollHeight })
  }, [events])
  if (events.length === 0) return <p className={`muted ${classes.nothing}`}>No event: Kubernetes keeps them for about an hour.</p>
  return (
    <section className={classes.part} aria-label="Events">
      <h3>Events</h3>
      <ol
        ref={list}
        className={classes.events}
        aria-label="Events, newest last"
        tabIndex={0}
        onScroll={({ currentTarget: box }) => (atEnd.current = box.scrollTop + box.clientHeight >= box.scrollHeight - 4)}
      >
        {events.map((event, index) => (
          <EventRow key={index} event={event} />
        ))}
      </ol>
    </section>
  )
}

function EventRow({ event }: { event: ClusterEvent }) {
  const warns = event.type === 'Warning'
  const Icon = warns ? TriangleAlert : Info
  const often = describeCount(event, (time) => formatClock(time).slice(0, 'hh:mm:ss'.length))
  return (
    <li data-warning={warns || undefined}>
      <Icon size={15} className={classes.sign} role="img" aria-label={event.type} />
      <span className={`muted ${classes.when}`}>
        <RelativeTime time={event.last_time} />
      </span>
      <bdi className={`wrap ${classes.reason}`}>{event.reason}</bdi>
      <span className={`wrap ${classes.text}`}>
        <Long text={event.message} />
        <span className={`muted ${classes.about}`}>
          {[event.kind, event.source, often].filter(Boolean).join(' · ')}
        </span>
      </span>
    </li>
  )
}
