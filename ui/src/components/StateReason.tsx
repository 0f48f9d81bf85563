/** Why a run is in its state, or what it waits for: the first thing to read about a run that is not simply well. */
import { useState } from 'react'

import type { FlowRun, RunState } from '../api/types'
import { toneOf } from '../lib/states'
import { CopyIcon } from './Copy'
import { StateIcon } from './StateBadge'
import classes from './StateReason.module.css'

const SHOWN = 600

export function StateReason({ state, waitingFor }: { state: RunState | null | undefined; waitingFor?: FlowRun['waiting_for'] }) {
  const [whole, setWhole] = useState(false)
  if (state == null) return null
  const reason = waitingFor ?? state.message
  if (reason == null || reason === '') return null
  const tone = toneOf(state.type, state.name)
  const long = reason.length > SHOWN && !whole
  return (
    <div
      className={classes.reason}
      style={{ '--tone': `var(--state-${tone})` } as React.CSSProperties}
      role={state.type === 'FAILED' || state.type === 'CRASHED' ? 'alert' : undefined}
    >
      <StateIcon type={state.type} name={state.name} size={18} label={state.name} />
      <div className={classes.text}>
        <bdi>{long ? `${reason.slice(0, SHOWN)}…` : reason}</bdi>
        {long && (
          <button type="button" className={classes.more} onClick={() => setWhole(true)}>
            Show all
          </button>
        )}
      </div>
      <CopyIcon text={reason} what="message" />
    </div>
  )
}
