/** Makes or changes one schedule of a deployment; shows in words and times what is typed. */
import { Button, Group, NativeSelect, SegmentedControl, Select, Text, Textarea, TextInput } from '@mantine/core'
import { useDeferredValue, useMemo, useState } from 'react'

import { changeSchedules, declaredKeys } from '../api/declared'
import type { Deployment, Schedule } from '../api/types'
import { BEGINNING, type Faults, joinsDays, readSchedule, type ScheduleKind, type ScheduleTexts, textsOf } from '../lib/scheduleForm'
import { scheduleWords } from '../lib/schedules'
import { knownZones, ownZone } from '../lib/zones'
import { NextTimes } from './NextTimes'
import classes from './ScheduleForm.module.css'
import { SmallForm } from './SmallForm'

interface Props {
  deployment: Deployment
  /** The one to change; a new one if left out. */
  schedule?: Schedule
  onClose: () => void
}

const KINDS: readonly { value: ScheduleKind; label: string }[] = [
  { value: 'cron', label: 'Cron' },
  { value: 'interval', label: 'Interval' },
  { value: 'rrule', label: 'Rule' },
]
const HELP: Record<ScheduleKind, { label: string; description: string }> = {
  cron: { label: 'Cron expression', description: 'Minute, hour, day of month, month, weekday.' },
  interval: { label: 'Every', description: 'A duration, as 15m, 1h30m or 7d.' },
  rrule: { label: 'Rule', description: 'An iCalendar recurrence rule.' },
}
const PRESETS: Record<ScheduleKind, readonly { label: string; text: string }[]> = {
  cron: [
    { label: 'Hourly', text: '0 * * * *' },
    { label: 'Daily', text: '0 6 * * *' },
    { label: 'Workdays', text: '0 6 * * 1-5' },
    { label: 'Weekly', text: '0 6 * * 1' },
    { label: 'Monthly', text: '0 6 1 * *' },
  ],
  interval: [
    { label: '5 minutes', text: '5m' },
    { label: '15 minutes', text: '15m' },
    { label: '1 hour', text: '1h' },
    { label: '1 day', text: '1d' },
  ],
  rrule: [
    { label: 'Every second Monday', text: BEGINNING.rrule },
    { label: 'Last workday of a month', text: 'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;BYHOUR=6;BYMINUTE=0;BYSECOND=0' },
  ],
}
const MISSED = [
  { value: 'Latest', label: 'The latest missed run is made up for' },
  { value: 'Skip', label: 'Missed runs are left out' },
  { value: 'All', label: 'All missed runs are made up for' },
]

export function ScheduleForm({ deployment, schedule, onClose }: Props) {
  const [texts, setTexts] = useState<ScheduleTexts>(() => (schedule === undefined ? { ...BEGINNING, timezone: ownZone() } : textsOf(schedule)))
  const [faults, setFaults] = useState<Faults>({})
  const zones = useMemo(() => [...new Set([texts.timezone, ...knownZones()])], [texts.timezone])
  const set = (changes: Partial<ScheduleTexts>) => setTexts((before) => ({ ...before, ...changes }))
  const send = async () => {
    const taken = deployment.spec.schedules.map((each) => each.name).filter((name) => name !== schedule?.name)
    const read = readSchedule(texts, taken, schedule?.paused ?? false)
    setFaults(read.faults)
    const made = read.schedule
    if (made === undefined) throw new Error('Please look at the fields that are marked.')
    await changeSchedules(deployment.id, (all) => {
      const at = all.findIndex((each) => each.name === schedule?.name)
      return at === -1 ? [...all, made] : all.with(at, made)
    })
    return `The schedule ${made.name} of ${deployment.full_name} is set.`
  }
  const { kind } = texts
  return (
    <SmallForm title={schedule === undefined ? `New schedule of ${deployment.full_name}` : `Schedule ${schedule.name}`} button="Save" send={send} changes={declaredKeys.deployments} of={deployment} onClose={onClose} size="xl">
      <div className={classes.halves}>
        <div className={classes.fields}>
          <TextInput label="Name" value={texts.name} error={faults.name} onChange={(event) => set({ name: event.currentTarget.value })} required data-autofocus />
          <SegmentedControl aria-label="Kind" data={[...KINDS]} value={kind} onChange={(value) => set({ kind: value })} />
          <div>
            <TextInput
              {...HELP[kind]}
              value={texts[kind]}
              error={faults[kind]}
              onChange={(event) => set({ [kind]: event.currentTarget.value })}
              required
              styles={{ input: { fontFamily: 'var(--mono)' } }}
            />
            <Group gap={4} mt={6}>
              {PRESETS[kind].map(({ label, text }) => (
                <Button key={label} size="compact-xs" variant="default" onClick={() => set({ [kind]: text })}>
                  {label}
                </Button>
              ))}
            </Group>
          </div>
          {kind === 'cron' && joinsDays(texts.cron) && (
            <NativeSelect
              label="Day of month and weekday"
              value={texts.dayOr ? 'or' : 'and'}
              onChange={(event) => set({ dayOr: event.currentTarget.value === 'or' })}
              data={[
                { value: 'or', label: 'Either of them is enough' },
                { value: 'and', label: 'Both must match' },
              ]}
            />
          )}
          <Select label="Time zone" data={zones} value={texts.timezone} onChange={(value) => set({ timezone: value ?? 'UTC' })} searchable limit={60} allowDeselect={false} nothingFoundMessage="No such time zone" />
          {kind === 'interval' && <TextInput label="Counted from" type="datetime-local" description="A time that it passes through, by its own time zone." value={texts.anchor} onChange={(event) => set({ anchor: event.currentTarget.value })} />}
          <NativeSelect label="After an outage" value={texts.missedRuns} onChange={(event) => set({ missedRuns: event.currentTarget.value as Schedule['missedRuns'] })} data={MISSED} />
          <Textarea
            label="Parameters"
            description="JSON, laid over those of the deployment."
            placeholder="{}"
            autosize
            minRows={2}
            maxRows={8}
            value={texts.parameters}
            error={faults.parameters}
            onChange={(event) => set({ parameters: event.currentTarget.value })}
            styles={{ input: { fontFamily: 'var(--mono)', fontSize: 13 } }}
          />
        </div>
        <Preview texts={texts} />
      </div>
    </SmallForm>
  )
}

function Preview({ texts }: { texts: ScheduleTexts }) {
  const shown = useDeferredValue(texts)
  const { schedule } = useMemo(() => readSchedule({ ...shown, name: 'preview', parameters: '' }, [], false), [shown])
  return (
    <section className={classes.preview} aria-label="Next times" aria-live="polite">
      {schedule === undefined ? (
        <Text size="sm" c="dimmed">
          What you type appears here in words, with the next ten times.
        </Text>
      ) : (
        <>
          <p className={classes.words}>Runs {scheduleWords(schedule)}</p>
          <NextTimes schedule={schedule} />
        </>
      )}
    </section>
  )
}
