/** What became of a message or of what an automation had to do: its icon, its word, its colour. */
import { CircleCheck, CircleDashed, CircleX, type LucideIcon, ShieldCheck, SkipForward } from 'lucide-react'

import type { Delivery, Firing } from '../api/types'
import classes from './Outcome.module.css'

export type AnyOutcome = Delivery['outcome'] | Firing['outcome']

const OUTCOMES: Record<AnyOutcome, { icon: LucideIcon; label: string; color: string }> = {
  sent: { icon: CircleCheck, label: 'Sent', color: 'var(--state-completed)' },
  done: { icon: CircleCheck, label: 'Done', color: 'var(--state-completed)' },
  averted: { icon: ShieldCheck, label: 'Not needed', color: 'var(--muted)' },
  skipped: { icon: SkipForward, label: 'Skipped', color: 'var(--state-late)' },
  failed: { icon: CircleX, label: 'Given up', color: 'var(--state-failed)' },
  waiting: { icon: CircleDashed, label: 'Waits', color: 'var(--state-pending)' },
}

/** @param label what is said instead of the outcome's own word. */
export function Outcome({ outcome, label, title }: { outcome: AnyOutcome; label?: string; title?: string | null }) {
  const { icon: Icon, label: own, color } = OUTCOMES[outcome]
  return (
    <span className={classes.outcome} title={title ?? undefined}>
      <Icon size={15} color={color} aria-hidden /> {label ?? own}
    </span>
  )
}
