import { describe, expect, it } from 'vitest'

import type { AutomationSpec } from '../api/types'
import { newAction, NEW_AUTOMATION, readAutomation, textsOf } from './automationForm'
import { actionsWords, firingWords, runWords, triggerWords } from './automations'
import { toManifest } from './manifests'

const ALL = { flows: [], deployments: [], tags: [] }
const trigger = (fields: Partial<AutomationSpec['trigger']>) => ({ trigger: { ...ALL, states: ['FAILED'], ...fields } })

describe('an automation in words', () => {
  it.each([
    [trigger({}), 'a run becomes Failed'],
    [trigger({ states: ['FAILED', 'CRASHED', 'TimedOut'], flows: ['etl'] }), 'a run of the flow etl becomes Failed, Crashed or Timed out'],
    [trigger({ states: ['PENDING'], expect: ['RUNNING'], within: '10m', flows: ['etl'] }), 'a run of the flow etl has not reached Running within 10 minutes of Pending'],
    [trigger({ states: ['RUNNING'], expect: ['COMPLETED', 'FAILED'], within: '1h30m' }), 'a run has not reached Completed or Failed within 1 hour and 30 minutes of Running'],
  ])('says when', (spec, words) => {
    expect(triggerWords(spec)).toBe(words)
  })

  it.each([
    [{}, 'a run'],
    [{ flows: ['etl', 'report'] }, 'a run of the flows etl or report'],
    [{ deployments: ['etl/prod'], tags: ['nightly'] }, 'a run of the deployment etl/prod with the tag nightly'],
    [{ flows: ['etl'], deployments: ['etl/prod', 'etl/dev'], tags: ['a', 'b'] }, 'a run of the flow etl and the deployments etl/prod or etl/dev with the tags a or b'],
  ])('says which runs', (named, words) => {
    expect(runWords({ ...ALL, ...named })).toBe(words)
  })

  it('says what is done, in order', () => {
    const actions = [
      { cancelRun: {}, notify: null },
      { notify: { channels: ['slack-webhook/team', 'email/ops'] } },
      { runDeployment: { deployment: 'clean/prod', parameters: { day: 1 } } },
      { pauseWorkQueue: {} },
      { pauseWorkQueue: { name: 'gpu' } },
      { pauseDeployment: {} },
      { pauseDeployment: { name: 'etl/prod' } },
    ]
    expect(actionsWords({ actions })).toBe(
      'cancel the run, then tell slack-webhook/team and email/ops, then run clean/prod with 1 parameter, then pause the run’s own queue, then pause the queue gpu, ' +
        'then pause the run’s own deployment, then pause the deployment etl/prod',
    )
  })

  it('says what became of a run', () => {
    const waits = trigger({ states: ['RUNNING'], expect: ['COMPLETED'], within: '2h' })
    const firing = { state_name: 'TimedOut', outcome: 'done', attempts: 1 } as const
    expect(firingWords(firing, trigger({}))).toBe('became Timed out')
    expect(firingWords({ ...firing, attempts: 3 }, trigger({}))).toBe('became Timed out; it worked at try 3')
    expect(firingWords({ state_name: 'Running', outcome: 'averted', attempts: 0 }, waits)).toBe('became Running, and reached Completed in time')
    expect(firingWords({ state_name: 'Running', outcome: 'waiting', attempts: 0 }, waits)).toBe('became Running; Completed is waited for')
    expect(firingWords({ state_name: 'Running', outcome: 'waiting', attempts: 1 }, waits)).toBe('became Running; tried 1 time so far')
  })
})

describe('the form of an automation', () => {
  const actions = [
    { notify: { channels: ['slack-webhook/team'], message: '{{ flow_name }}' } },
    { runDeployment: { deployment: 'clean/prod', parameters: { day: 1 } } },
    { pauseWorkQueue: {} },
    { pauseDeployment: { name: 'etl/prod' } },
    { cancelRun: { message: 'It hangs.' } },
  ]

  it('gives back what it was given', () => {
    const spec = { trigger: { states: ['RUNNING'], expect: ['COMPLETED'], within: '2h', flows: ['etl'], deployments: ['etl/prod'], tags: ['a'] }, actions, paused: true }
    expect(readAutomation(textsOf('hung', spec))).toEqual({ spec, faults: {} })
  })

  it('leaves out what is expected where it acts at once', () => {
    const { spec } = readAutomation({ ...NEW_AUTOMATION, name: 'x', actions: [newAction(0, 'cancelRun')] })
    expect(spec).toEqual({ trigger: { states: ['FAILED', 'CRASHED'], ...ALL }, actions: [{ cancelRun: {} }], paused: false })
  })

  it('names each field that lacks something', () => {
    const bad = [newAction(0), newAction(1, 'runDeployment'), { ...newAction(2, 'runDeployment'), deployment: 'a/b', parameters: '[1]' }]
    const { spec, faults } = readAutomation({ ...NEW_AUTOMATION, states: [], waits: true, expect: [], within: 'soon', actions: bad })
    expect(spec).toBeUndefined()
    expect(Object.keys(faults).sort()).toEqual(['actions.0', 'actions.1', 'actions.2', 'expect', 'name', 'states', 'within'])
    expect(faults['actions.2']).toContain('JSON object')
    expect(readAutomation({ ...NEW_AUTOMATION, name: 'x', waits: true, within: '0s' }).faults).toHaveProperty('within')
  })
})

it('keeps in a manifest what an action says by its name alone', () => {
  const actions = [{ cancelRun: { message: null }, notify: null }, { pauseWorkQueue: {} }, { runDeployment: { deployment: 'a/b', parameters: {} } }]
  const manifest = toManifest('Automation', 'hung', 'default', { trigger: { states: ['RUNNING'], flows: [] }, actions })
  expect(manifest).toContain('  actions:\n    - cancelRun: {}\n    - pauseWorkQueue: {}\n    - runDeployment:\n        deployment: a/b\n')
  expect(manifest).not.toMatch(/flows|notify|parameters/)
})
