/** Automations in words: what they wait for, what they then do, and what became of it. Pure. */
import type { AutomationAction, AutomationSpec, Firing } from '../api/types'
import { durationWords, joined, plural } from './schedules'
import { STATE_FILTERS, stateLabel } from './states'

/** State types, and the names that a person may want to follow apart from their type. */
export const FOLLOWED_STATES = ['FAILED', 'CRASHED', 'TimedOut', 'Late', 'CANCELLED', 'COMPLETED', 'RUNNING', 'PENDING', 'PAUSED', 'SCHEDULED', 'AwaitingRetry', 'InfrastructurePending']

/** `FAILED` and `TimedOut` as pages show them: `Failed`, `Timed out`. */
export const stateWord = (state: string): string => STATE_FILTERS.find(({ value }) => value === state)?.label ?? stateLabel(state)

const statesWords = (states: readonly string[]) => joined(states.map(stateWord), 'or')

/** `a run`, `a run of etl or report`, `a run of the deployment etl/prod with the tag nightly`: all that is named must match. */
export function runWords({ flows, deployments, tags }: Pick<AutomationSpec['trigger'], 'flows' | 'deployments' | 'tags'>): string {
  const of = [
    ...(flows.length > 0 ? [`the ${flows.length === 1 ? 'flow' : 'flows'} ${joined(flows, 'or')}`] : []),
    ...(deployments.length > 0 ? [`the ${deployments.length === 1 ? 'deployment' : 'deployments'} ${joined(deployments, 'or')}`] : []),
  ]
  const named = of.length === 0 ? '' : ` of ${of.join(' and ')}`
  const tagged = tags.length === 0 ? '' : ` with the ${tags.length === 1 ? 'tag' : 'tags'} ${joined(tags, 'or')}`
  return `a run${named}${tagged}`
}

/** What comes after `when`: `a run of the flow etl becomes Failed or Crashed`, `a run has not reached Running within 10 minutes of Pending`. */
export function triggerWords({ trigger }: Pick<AutomationSpec, 'trigger'>): string {
  const { states, expect, within } = trigger
  if (expect == null || within == null) return `${runWords(trigger)} becomes ${statesWords(states)}`
  return `${runWords(trigger)} has not reached ${statesWords(expect)} within ${durationWords(within)} of ${statesWords(states)}`
}

/** `tell slack-webhook/team`, `run etl/prod`, `pause the run’s own queue`, `cancel the run`. */
export function actionWords(action: AutomationAction): string {
  if (action.notify != null) return `tell ${joined(action.notify.channels)}`
  if (action.runDeployment != null) {
    const given = Object.keys(action.runDeployment.parameters ?? {}).length
    return `run ${action.runDeployment.deployment}${given === 0 ? '' : ` with ${plural(given, 'parameter')}`}`
  }
  if (action.pauseWorkQueue != null) return `pause ${action.pauseWorkQueue.name == null ? 'the run’s own queue' : `the queue ${action.pauseWorkQueue.name}`}`
  if (action.pauseDeployment != null) return `pause ${action.pauseDeployment.name == null ? 'the run’s own deployment' : `the deployment ${action.pauseDeployment.name}`}`
  return 'cancel the run'
}

/** `cancel the run, then tell slack-webhook/team`: in the order in which it is done. */
export function actionsWords({ actions }: Pick<AutomationSpec, 'actions'>): string {
  return actions.map(actionWords).join(', then ')
}

/** Words as the beginning of a sentence. */
export const capital = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)

/** What happened to the run of a firing: `became Running`, and how it went on where the outcome's own word does not say it. */
export function firingWords(firing: Pick<Firing, 'state_name' | 'outcome' | 'attempts'>, { trigger }: Pick<AutomationSpec, 'trigger'>): string {
  const became = `became ${stateLabel(firing.state_name)}`
  const expected = trigger.expect == null ? 'the expected state' : statesWords(trigger.expect)
  switch (firing.outcome) {
    case 'averted':
      return `${became}, and reached ${expected} in time`
    case 'waiting':
      if (firing.attempts > 0) return `${became}; tried ${plural(firing.attempts, 'time')} so far`
      return trigger.expect == null ? became : `${became}; ${expected} is waited for`
    case 'done':
      return firing.attempts > 1 ? `${became}; it worked at try ${firing.attempts}` : became
    default:
      return became
  }
}
