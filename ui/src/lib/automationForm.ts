/** What is typed into an automation's form, and the declaration that it makes. Pure. */
import type { AutomationAction, AutomationSpec } from '../api/types'
import { readObject } from './schemaForm'
import { intervalMillis } from './schedules'

export type ActionKind = 'notify' | 'runDeployment' | 'pauseWorkQueue' | 'pauseDeployment' | 'cancelRun'

/** One action as its fields hold it; a field of another kind keeps what it has, so that changing the kind and back loses nothing. */
export interface ActionTexts {
  /** Tells it from the others while they are moved. */
  key: number
  kind: ActionKind
  channels: string[]
  message: string
  deployment: string
  parameters: string
  /** The queue, or the deployment, that is paused; the run's own if blank. */
  queue: string
  paused: string
  reason: string
}

export interface AutomationTexts {
  name: string
  states: string[]
  /** Whether it acts only if the run does not go on in time. */
  waits: boolean
  expect: string[]
  within: string
  flows: string[]
  deployments: string[]
  tags: string[]
  actions: ActionTexts[]
  paused: boolean
}

export const newAction = (key: number, kind: ActionKind = 'notify'): ActionTexts => ({ key, kind, channels: [], message: '', deployment: '', parameters: '', queue: '', paused: '', reason: '' })

export const NEW_AUTOMATION: AutomationTexts = {
  name: '',
  states: ['FAILED', 'CRASHED'],
  waits: false,
  expect: ['COMPLETED'],
  within: '1h',
  flows: [],
  deployments: [],
  tags: [],
  actions: [newAction(0)],
  paused: false,
}

export function textsOf(name: string, spec: AutomationSpec): AutomationTexts {
  const { trigger } = spec
  return {
    name,
    states: trigger.states,
    waits: trigger.expect != null,
    expect: trigger.expect ?? NEW_AUTOMATION.expect,
    within: trigger.within ?? NEW_AUTOMATION.within,
    flows: trigger.flows,
    deployments: trigger.deployments,
    tags: trigger.tags,
    actions: spec.actions.map(textsOfAction),
    paused: spec.paused,
  }
}

function textsOfAction(action: AutomationAction, key: number): ActionTexts {
  const { notify, runDeployment, pauseWorkQueue, pauseDeployment } = action
  if (notify != null) return { ...newAction(key), channels: notify.channels, message: notify.message ?? '' }
  if (runDeployment != null) {
    const parameters = runDeployment.parameters ?? {}
    return { ...newAction(key, 'runDeployment'), deployment: runDeployment.deployment, parameters: Object.keys(parameters).length === 0 ? '' : JSON.stringify(parameters, null, 2) }
  }
  if (pauseWorkQueue != null) return { ...newAction(key, 'pauseWorkQueue'), queue: pauseWorkQueue.name ?? '' }
  if (pauseDeployment != null) return { ...newAction(key, 'pauseDeployment'), paused: pauseDeployment.name ?? '' }
  return { ...newAction(key, 'cancelRun'), reason: action.cancelRun?.message ?? '' }
}

/** What is wrong, by field: `name`, `states`, `expect`, `within`, `actions`, and `actions.<key>` for what one action lacks. */
export type Faults = Record<string, string>

/** The declaration that was typed, or what is wrong with each field. */
export function readAutomation(texts: AutomationTexts): { spec?: AutomationSpec; faults: Faults } {
  const faults: Faults = {}
  if (texts.name.trim() === '') faults.name = 'Give it a name.'
  if (texts.states.length === 0) faults.states = 'Choose at least one state.'
  if (texts.waits && texts.expect.length === 0) faults.expect = 'Choose what is expected, or let it act at once.'
  if (texts.waits && !((intervalMillis(texts.within.trim()) ?? 0) > 0)) faults.within = 'Give a duration, as 90s, 15m, 1h30m or 7d.'
  if (texts.actions.length === 0) faults.actions = 'Add at least one thing to do.'
  const actions = texts.actions.flatMap((action) => readAction(action, faults) ?? [])
  if (Object.keys(faults).length > 0) return { faults }
  const { states, flows, deployments, tags, paused } = texts
  const waited = texts.waits ? { expect: texts.expect, within: texts.within.trim() } : {}
  return { spec: { trigger: { states, ...waited, flows, deployments, tags }, actions, paused }, faults }
}

function readAction(texts: ActionTexts, faults: Faults): AutomationAction | undefined {
  const refuse = (fault: string) => {
    faults[`actions.${texts.key}`] = fault
    return undefined
  }
  switch (texts.kind) {
    case 'notify':
      if (texts.channels.length === 0) return refuse('Choose at least one block to tell: without one nobody is told.')
      return { notify: { channels: texts.channels, ...(texts.message.trim() !== '' && { message: texts.message }) } }
    case 'runDeployment': {
      if (texts.deployment.trim() === '') return refuse('Choose the deployment to run.')
      const parameters = readObject(texts.parameters)
      if (parameters === undefined) return refuse('Give the parameters as a JSON object: {"name": value, ...}.')
      return { runDeployment: { deployment: texts.deployment.trim(), parameters } }
    }
    case 'pauseWorkQueue':
      return { pauseWorkQueue: texts.queue.trim() === '' ? {} : { name: texts.queue.trim() } }
    case 'pauseDeployment':
      return { pauseDeployment: texts.paused.trim() === '' ? {} : { name: texts.paused.trim() } }
    case 'cancelRun':
      return { cancelRun: texts.reason.trim() === '' ? {} : { message: texts.reason.trim() } }
  }
}
