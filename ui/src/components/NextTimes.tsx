/** When a schedule starts runs next: by its own clock, and by that of the person who looks where it differs. */
import { useMemo } from 'react'

import type { Schedule } from '../api/types'
import { useNowEvery } from '../lib/clock'
import { nextTimes } from '../lib/scheduleTimes'
import { formatIn } from '../lib/times'
import { ownZone } from '../lib/zones'
import classes from './NextTimes.module.css'

const SHOWN = 10

type Timed = Pick<Schedule, 'cron' | 'interval' | 'rrule' | 'anchor' | 'timezone' | 'dayOr'>

export function NextTimes({ schedule, shown = SHOWN }: { schedule: Timed; shown?: number }) {
  const now = useNowEvery(60_000)
  const { cron, interval, rrule, anchor, timezone, dayOr } = schedule
  const times = useMemo(
    () => nextTimes({ cron, interval, rrule, anchor, timezone, dayOr }, shown, now),
    [cron, interval, rrule, anchor, timezone, dayOr, shown, now],
  )
  if (times === undefined) return <p className="muted">Its times cannot be told.</p>
  if (times.length === 0) return <p className="muted">It starts no run any more.</p>
  const own = ownZone()
  const both = own !== timezone
  return (
    <table className={classes.times}>
      <thead>
        <tr>
          <th scope="col">{timezone}</th>
          {both && <th scope="col">{own} (yours)</th>}
        </tr>
      </thead>
      <tbody>
        {times.map((time) => (
          <tr key={time} className="numbers">
            <td>{formatIn(time, timezone)}</td>
            {both && <td>{formatIn(time)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
