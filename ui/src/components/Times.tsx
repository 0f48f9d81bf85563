/** Relative times with the exact one on hover, and durations that go on while a run does. */
import { Tooltip } from '@mantine/core'

import { useNow } from '../lib/clock'
import { formatDuration, formatExact, formatRelative, runMillis } from '../lib/times'

export function RelativeTime({ time, none = '–' }: { time: string | null | undefined; none?: string }) {
  const now = useNow(time != null)
  if (time == null) return <span className="muted">{none}</span>
  const at = Date.parse(time)
  return (
    <Tooltip label={formatExact(at)} openDelay={250}>
      <time dateTime={time} className="numbers">
        {formatRelative(at, Math.max(now, 0))}
      </time>
    </Tooltip>
  )
}

export function Duration({ run }: { run: { start_time?: string | null; end_time?: string | null } }) {
  const going = Boolean(run.start_time) && !run.end_time
  const now = useNow(going)
  const ms = runMillis(run, now)
  if (ms === null) return <span className="muted">–</span>
  return <span className="numbers">{formatDuration(going ? Math.floor(ms / 1000) * 1000 : ms)}</span>
}
