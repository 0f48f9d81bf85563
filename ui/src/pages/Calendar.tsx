/** A month of runs: what ran on the days that are over, what schedules will start on those to come. */
import { ActionIcon, Button } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { CalendarDays, ChevronLeft, ChevronRight } from 'lucide-react'
import { useMemo } from 'react'

import { deploymentPages, plannedRuns } from '../api/declared'
import { flowRunsByDay } from '../api/flowRuns'
import type { StateType } from '../api/types'
import { Snippet } from '../components/Copy'
import { FilterMenu } from '../components/FilterMenu'
import { useNamespace } from '../components/namespaces'
import { EmptyState, ErrorState } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { StateIcon } from '../components/StateBadge'
import { type Day, dayKey, monthKey, moveMonth, type Plan, plansByDay, ranByDay, weeksOf } from '../lib/calendar'
import { useNowEvery } from '../lib/clock'
import { formatIn } from '../lib/times'
import { ownZone } from '../lib/zones'
import classes from './Calendar.module.css'

const route = getRouteApi('/calendar')
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const SHOWN = 4
const DAY_MS = 86_400_000
const IN_A_MANIFEST = 'spec:\n  schedules:\n    - name: nightly\n      cron: "0 2 * * *"\n      timezone: Europe/Berlin'
const monthName = new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric' })
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const dayName = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' })

export function Calendar() {
  const now = useNowEvery(60_000)
  const { month = monthKey(now), deployment } = route.useSearch()
  const navigate = route.useNavigate()
  const namespace = useNamespace()
  const weeks = useMemo(() => weeksOf(month), [month])
  const from = weeks[0]?.[0]?.start ?? now
  const to = (weeks.at(-1)?.at(-1)?.start ?? now) + DAY_MS
  const [since, until] = [new Date(from).toISOString(), new Date(to).toISOString()]
  const planned = useQuery(plannedRuns(namespace, deployment, since, until))
  const ran = useQuery(flowRunsByDay({ namespace, deployment, since, until }))
  const plans = useMemo(() => plansByDay(planned.data?.items ?? []), [planned.data])
  const counts = useMemo(() => ranByDay(ran.data), [ran.data])
  const deployments = useInfiniteQuery(deploymentPages(namespace))
  const all = deployments.data?.pages.flatMap((page) => page.items) ?? []
  const show = (next: string) => void navigate({ search: { month: next === monthKey(now) ? undefined : next, deployment }, replace: true })
  const none = planned.data !== undefined && deployments.isSuccess && plans.size === 0 && counts.size === 0 && all.every((each) => each.spec.schedules.length === 0)
  const today = dayKey(now)
  return (
    <PageFrame
      title="Calendar"
      actions={
        <>
          <FilterMenu
            label="Deployment"
            options={all.map((each) => ({ value: each.id, label: each.full_name }))}
            value={deployment ?? []}
            onChange={(value) => void navigate({ search: (before) => ({ ...before, deployment: value.length > 0 ? value : undefined }), replace: true })}
          />
          <Button variant="default" onClick={() => show(monthKey(now))} disabled={month === monthKey(now)}>
            Today
          </Button>
          <ActionIcon variant="default" size={36} aria-label="The month before" onClick={() => show(moveMonth(month, -1))}>
            <ChevronLeft size={17} />
          </ActionIcon>
          <ActionIcon variant="default" size={36} aria-label="The month after" onClick={() => show(moveMonth(month, 1))}>
            <ChevronRight size={17} />
          </ActionIcon>
        </>
      }
    >
      {planned.isError ? (
        <ErrorState error={planned.error} retry={() => void planned.refetch()} />
      ) : none ? (
        <div className="card">
          <EmptyState icon={CalendarDays} title="Nothing is scheduled">
            <p>A deployment with schedules starts runs by itself, and they appear here. Add one on its page, or in its manifest:</p>
            <Snippet what="schedule" text={IN_A_MANIFEST} />
            <Button component={Link} to="/deployments" variant="default">
              To the deployments
            </Button>
          </EmptyState>
        </div>
      ) : (
        <section aria-label={monthName.format(Date.parse(`${month}-15`))}>
          <h2 className={classes.month}>
            {monthName.format(Date.parse(`${month}-15`))} <span className="muted">in {ownZone()}</span>
            {planned.data?.truncated === true && <span className="muted"> · more is planned than can be shown: choose a deployment</span>}
          </h2>
          <div className={`card ${classes.grid}`} role="table" aria-label="Days" aria-busy={planned.isPending || undefined}>
            <div role="row" className={classes.week}>
              {WEEKDAYS.map((name) => (
                <span key={name} role="columnheader" className={classes.weekday}>
                  {name}
                </span>
              ))}
            </div>
            {weeks.map((week) => (
              <div role="row" key={week[0]?.key} className={classes.week}>
                {week.map((day) => (
                  <DayCell key={day.key} day={day} today={day.key === today} plans={plans.get(day.key) ?? []} ran={counts.get(day.key) ?? []} />
                ))}
              </div>
            ))}
          </div>
        </section>
      )}
    </PageFrame>
  )
}

interface CellProps {
  day: Day
  today: boolean
  plans: readonly Plan[]
  ran: readonly [StateType, number][]
}

function DayCell({ day, today, plans, ran }: CellProps) {
  const rest = plans.slice(SHOWN).reduce((sum, plan) => sum + plan.times.length, 0)
  const bounds = { since: new Date(day.start).toISOString(), until: new Date(day.start + DAY_MS).toISOString() }
  return (
    <div role="cell" className={classes.day} data-out={!day.inMonth || undefined} data-today={today || undefined} data-empty={(plans.length === 0 && ran.length === 0) || undefined}>
      <span className={`numbers ${classes.number}`}>
        <span aria-hidden>{Number(day.key.slice(8))}</span>
        <span className={classes.long}>{dayName.format(day.start)}</span>
      </span>
      {ran.length > 0 && (
        <Link to="/flow-runs" search={bounds} className={classes.ran} title={`Runs of ${dayName.format(day.start)}`}>
          {ran.map(([type, count]) => (
            <span key={type} className="numbers">
              <StateIcon type={type} size={13} label={type.toLowerCase()} /> {count.toLocaleString('en')}
            </span>
          ))}
        </Link>
      )}
      <ul className={classes.plans}>
        {plans.slice(0, SHOWN).map((plan) => (
          <li key={`${plan.deploymentId} ${plan.schedule}`}>
            <Link to="/deployments/$id" params={{ id: plan.deploymentId }} search={{ tab: 'schedules' }} className={classes.plan} title={describe(plan)}>
              <span className="numbers muted">{plan.times.length === 1 ? clock.format(plan.times[0]) : `${plan.times.length} ×`}</span>
              <span className="cut">{plan.deployment}</span>
            </Link>
          </li>
        ))}
      </ul>
      {rest > 0 && <span className={`muted ${classes.rest}`}>and {rest.toLocaleString('en')} more</span>}
    </div>
  )
}

function describe(plan: Plan): string {
  const [first, last] = [plan.times[0], plan.times.at(-1)]
  const when = first === undefined || last === undefined || first === last ? formatIn(first ?? 0) : `${plan.times.length} times from ${clock.format(first)} to ${clock.format(last)}`
  return `${plan.deployment}, schedule ${plan.schedule}: ${when}`
}
