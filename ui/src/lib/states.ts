/**
 * One tone and one icon for each state, everywhere: badges, charts, the timeline, the graph.
 * The tones are CSS variables (styles/states.css), so that both themes have their own shades. Icons are in components/StateIcon.
 */
import type { StateType } from '../api/types'

export type Tone =
  | 'scheduled'
  | 'late'
  | 'pending'
  | 'running'
  | 'paused'
  | 'cancelling'
  | 'completed'
  | 'failed'
  | 'crashed'
  | 'cancelled'

export const STATE_TYPES: readonly StateType[] = [
  'SCHEDULED',
  'PENDING',
  'RUNNING',
  'PAUSED',
  'CANCELLING',
  'COMPLETED',
  'FAILED',
  'CRASHED',
  'CANCELLED',
]

export const TERMINAL: ReadonlySet<StateType> = new Set<StateType>(['COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED'])

/** The states that a list can be filtered by: what the API takes, and what people read. */
export const STATE_FILTERS: readonly { value: string; label: string; type: StateType }[] = [
  { value: 'Late', label: 'Late', type: 'SCHEDULED' },
  { value: 'SCHEDULED', label: 'Scheduled', type: 'SCHEDULED' },
  { value: 'PENDING', label: 'Pending', type: 'PENDING' },
  { value: 'RUNNING', label: 'Running', type: 'RUNNING' },
  { value: 'PAUSED', label: 'Paused', type: 'PAUSED' },
  { value: 'CANCELLING', label: 'Cancelling', type: 'CANCELLING' },
  { value: 'COMPLETED', label: 'Completed', type: 'COMPLETED' },
  { value: 'FAILED', label: 'Failed', type: 'FAILED' },
  { value: 'CRASHED', label: 'Crashed', type: 'CRASHED' },
  { value: 'CANCELLED', label: 'Cancelled', type: 'CANCELLED' },
]

export function toneOf(type: StateType, name?: string): Tone {
  if (type === 'SCHEDULED' && name === 'Late') return 'late'
  return type.toLowerCase() as Tone
}

export function isEnded(type: StateType): boolean {
  return TERMINAL.has(type)
}

/** `AwaitingConcurrencySlot` as people read it: `Awaiting concurrency slot`. Names of users' own making are left as they are. */
export function stateLabel(name: string): string {
  if (!/^([A-Z][a-z]+){2,}$/.test(name)) return name
  return name.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

export const toneColor = (tone: Tone): string => `var(--state-${tone})`
