/** The schedules of a deployment: in words and times; to make, change, pause and delete them. */
import { ActionIcon, Button, Menu } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { CalendarOff, EllipsisVertical, Pause, Pencil, Play, Plus, Trash2 } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'

import { changeSchedules, declaredKeys } from '../api/declared'
import { useMay } from '../api/session'
import type { Deployment, Schedule } from '../api/types'
import { scheduleWords } from '../lib/schedules'
import { tell, tellError } from './cancelling'
import { Snippet } from './Copy'
import { NextTimes } from './NextTimes'
import { EmptyState } from './Notices'
import classes from './Schedules.module.css'
import { tellWithUndo } from './undoing'
import { part } from '../lib/loading'

const ScheduleForm = lazy(() => part(import('./ScheduleForm')).then((module) => ({ default: module.ScheduleForm })))
const IN_A_MANIFEST = 'spec:\n  schedules:\n    - name: nightly\n      cron: "0 2 * * *"\n      timezone: Europe/Berlin'

export function Schedules({ deployment }: { deployment: Deployment }) {
  const [edited, setEdited] = useState<Schedule | 'new'>()
  const { schedules, paused } = deployment.spec
  const mayChange = useMay('update', 'deployments', deployment.namespace)
  const add = mayChange && (
    <Button variant={schedules.length === 0 ? 'filled' : 'default'} leftSection={<Plus size={15} />} onClick={() => setEdited('new')}>
      New schedule
    </Button>
  )
  return (
    <>
      {schedules.length === 0 ? (
        <div className="card">
          <EmptyState icon={CalendarOff} title="It runs by hand only">
            {add}
            <p>{mayChange ? 'In its manifest, a schedule is written as this:' : 'Add a schedule to its manifest, for instance:'}</p>
            <Snippet what="schedule" text={IN_A_MANIFEST} />
          </EmptyState>
        </div>
      ) : (
        <>
          {mayChange && <div className={classes.bar}>{add}</div>}
          <div className={classes.schedules} tabIndex={0} role="group" aria-label="Schedules">
            {schedules.map((schedule) => (
              <ScheduleCard key={schedule.name} deployment={deployment} schedule={schedule} paused={paused || schedule.paused} onEdit={mayChange ? () => setEdited(schedule) : undefined} />
            ))}
          </div>
        </>
      )}
      {edited !== undefined && (
        <Suspense>
          <ScheduleForm deployment={deployment} schedule={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />
        </Suspense>
      )}
    </>
  )
}

interface CardProps {
  deployment: Deployment
  schedule: Schedule
  paused: boolean
  onEdit?: () => void
}

function ScheduleCard({ deployment, schedule, paused, onEdit }: CardProps) {
  const parameters = Object.keys(schedule.parameters).length
  return (
    <section className={`card ${classes.schedule}`} aria-label={`Schedule ${schedule.name}`}>
      <div className={classes.head}>
        <h2 className={`cut ${classes.name}`} title={schedule.name}>
          {schedule.name} {paused && <span style={{ color: 'var(--state-paused-text)' }}>· paused</span>}
        </h2>
        {onEdit !== undefined && <CardMenu deployment={deployment} schedule={schedule} onEdit={onEdit} />}
      </div>
      <p className={classes.words}>
        {scheduleWords(schedule)} <span className="muted">({schedule.timezone})</span>
      </p>
      <p className="mono muted wrap">
        {schedule.cron ?? schedule.interval ?? schedule.rrule}
        {parameters > 0 && ` · ${parameters} ${parameters === 1 ? 'parameter' : 'parameters'} of its own`}
      </p>
      {paused ? <p className="muted">It starts no run until it is resumed.</p> : <NextTimes schedule={schedule} />}
    </section>
  )
}

function CardMenu({ deployment, schedule, onEdit }: { deployment: Deployment; schedule: Schedule; onEdit: () => void }) {
  const queries = useQueryClient()
  const refresh = () => queries.invalidateQueries({ queryKey: declaredKeys.deployments })
  const pause = useMutation({
    mutationFn: () => changeSchedules(deployment.id, (all) => all.map((each) => (each.name === schedule.name ? { ...each, paused: !schedule.paused } : each))),
    onSuccess: () => {
      tell(schedule.paused ? `The schedule ${schedule.name} goes on.` : `The schedule ${schedule.name} is paused.`)
      void refresh()
    },
    onError: tellError('The schedule was not changed.'),
  })
  const remove = useMutation({
    mutationFn: () => changeSchedules(deployment.id, (all) => all.filter((each) => each.name !== schedule.name)),
    onSuccess: () => {
      void refresh()
      const undo = () => changeSchedules(deployment.id, (all) => [...all, schedule]).then(refresh)
      tellWithUndo(`The schedule ${schedule.name} was deleted.`, undo, `The schedule ${schedule.name} is back.`)
    },
    onError: tellError('The schedule was not deleted.'),
  })
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`More for ${schedule.name}`}>
          <EllipsisVertical size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Pencil size={14} />} onClick={onEdit}>
          Edit
        </Menu.Item>
        <Menu.Item leftSection={schedule.paused ? <Play size={14} /> : <Pause size={14} />} onClick={() => pause.mutate()}>
          {schedule.paused ? 'Resume' : 'Pause'}
        </Menu.Item>
        <Menu.Item leftSection={<Trash2 size={14} />} onClick={() => remove.mutate()}>
          Delete
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
