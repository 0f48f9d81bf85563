/** A state as people see it everywhere: its icon, its name, its colour. */
import {
  AlarmClockOff,
  CalendarClock,
  CircleCheck,
  CircleDashed,
  CircleEllipsis,
  CirclePause,
  CirclePlay,
  CircleSlash,
  CircleX,
  Clock,
  Flame,
  Hourglass,
  type LucideIcon,
  OctagonX,
  RotateCw,
  Zap,
} from 'lucide-react'

import type { RunState, StateType } from '../api/types'
import { stateLabel, toneOf } from '../lib/states'
import classes from './StateBadge.module.css'

const BY_TYPE: Record<StateType, LucideIcon> = {
  SCHEDULED: CalendarClock,
  PENDING: CircleDashed,
  RUNNING: CirclePlay,
  PAUSED: CirclePause,
  CANCELLING: CircleSlash,
  COMPLETED: CircleCheck,
  FAILED: CircleX,
  CRASHED: Flame,
  CANCELLED: OctagonX,
}

const BY_NAME: Record<string, LucideIcon> = {
  Late: Clock,
  AwaitingRetry: RotateCw,
  AwaitingConcurrencySlot: Hourglass,
  InfrastructurePending: CircleEllipsis,
  Cached: Zap,
  TimedOut: AlarmClockOff,
}

/** The icon alone, in its colour; give `label` where no text stands beside it. */
export function StateIcon({ type, name, size = 16, label }: { type: StateType; name?: string; size?: number; label?: string }) {
  const Icon = BY_NAME[name ?? ''] ?? BY_TYPE[type]
  return (
    <Icon
      size={size}
      className={classes.icon}
      data-running={type === 'RUNNING' || undefined}
      style={{ color: `var(--state-${toneOf(type, name)})` }}
      {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
    />
  )
}

export function StateBadge({ state }: { state: Pick<RunState, 'type' | 'name'> | null | undefined }) {
  const shown = state ?? { type: 'PENDING' as const, name: 'Pending' }
  const tone = toneOf(shown.type, shown.name)
  return (
    <span
      className={classes.badge}
      style={{ '--tone': `var(--state-${tone})`, '--tone-text': `var(--state-${tone}-text)` } as React.CSSProperties}
      data-state={shown.type}
      title={shown.name}
    >
      <StateIcon type={shown.type} name={shown.name} size={14} />
      <span className="cut">{stateLabel(shown.name)}</span>
    </span>
  )
}
