import { describe, expect, it } from 'vitest'

import type { Container } from '../api/kubernetes'
import { describeCount, describeEnd, isChanging, judgeCondition, lookOfContainer, lookOfJob, lookOfPod, shortDigest, troubleOf } from './kubernetes'
import { at, makeRun } from './make'

const now = Date.parse(at(100))
const makeJob = (...conditions: string[]) => ({
  conditions: conditions.map((type) => ({ type, status: 'True', reason: '', message: '' })),
  active: 0,
  deleting: false,
  suspended: false,
})
const makeContainer = (state: Container['state'], reason = '', exit_code?: number) => ({
  state,
  reason,
  end: exit_code === undefined ? null : { exit_code, reason, message: '' },
})

describe('isChanging', () => {
  it('is so while the run goes on, however long', () => {
    expect(isChanging(makeRun({ type: 'RUNNING', end_time: null }), now + 1e9)).toBe(true)
    expect(isChanging(makeRun({ type: 'PAUSED', end_time: null }), now)).toBe(true)
  })

  it('is so a minute longer, for the pod that ends after its run', () => {
    expect(isChanging(makeRun({ type: 'FAILED', end_time: at(80) }), now)).toBe(true)
    expect(isChanging(makeRun({ type: 'FAILED', end_time: at(30) }), now)).toBe(false)
  })

  it('counts from the state of a run that ended without having begun', () => {
    const run = makeRun({ type: 'CRASHED', end_time: null })
    expect(isChanging({ ...run, state: { ...run.state, time: at(90) } }, now)).toBe(true)
    expect(isChanging({ ...run, state: { ...run.state, time: at(0) } }, now)).toBe(false)
  })
})

it.each([
  ['Pending', false, 'PENDING', 'Pending'],
  ['Running', false, 'RUNNING', 'Running'],
  ['Running', true, 'CANCELLING', 'Terminating'],
  ['Succeeded', true, 'COMPLETED', 'Succeeded'],
  ['Failed', false, 'FAILED', 'Failed'],
  ['Unknown', false, 'PENDING', 'Unknown'],
  ['<b>', false, 'PENDING', '<b>'],
])('shows a pod that is %s (deleting: %s) as %s', (phase, deleting, type, name) => {
  expect(lookOfPod({ phase, deleting })).toEqual({ type, name })
})

describe('lookOfJob', () => {
  const look = (conditions: string[], fields = {}) => lookOfJob({ ...makeJob(...conditions), ...fields }).name

  it('reads its conditions first', () => {
    expect(look(['SuccessCriteriaMet', 'Complete'], { active: 1 })).toBe('Complete')
    expect(look(['FailureTarget'], { active: 1 })).toBe('Failed')
    expect(look([], { conditions: [{ type: 'Failed', status: 'False' }] })).toBe('Waiting')
  })

  it('then what happens to it', () => {
    expect(look([], { suspended: true })).toBe('Suspended')
    expect(look([], { deleting: true, active: 1 })).toBe('Terminating')
    expect(look([], { active: 1 })).toBe('Active')
    expect(look([])).toBe('Waiting')
  })
})

describe('containers', () => {
  it('that wait for something or failed are in trouble', () => {
    expect(troubleOf(makeContainer('waiting', 'ImagePullBackOff'))).toBe('ImagePullBackOff')
    expect(troubleOf(makeContainer('terminated', 'OOMKilled', 137))).toBe('OOMKilled')
    expect(troubleOf(makeContainer('terminated', '', 70))).toBe('Error')
  })

  it('that start, run or ended well are not', () => {
    expect(troubleOf(makeContainer('waiting', 'ContainerCreating'))).toBeUndefined()
    expect(troubleOf(makeContainer('waiting'))).toBeUndefined()
    expect(troubleOf(makeContainer('running'))).toBeUndefined()
    expect(troubleOf(makeContainer('terminated', 'Completed', 0))).toBeUndefined()
  })

  it('look like their state', () => {
    expect(lookOfContainer(makeContainer('terminated', '', 0)).type).toBe('COMPLETED')
    expect(lookOfContainer(makeContainer('terminated', '', 1)).type).toBe('FAILED')
    expect(lookOfContainer(makeContainer('running')).type).toBe('RUNNING')
    expect(lookOfContainer(makeContainer('waiting')).name).toBe('Waiting')
    expect(lookOfContainer(makeContainer('unknown')).name).toBe('Not reported')
  })
})

it.each([
  [null, ''],
  [{ exit_code: 0 }, 'exit code 0'],
  [{ exit_code: 137, signal: 9 }, 'exit code 137 (signal 9)'],
  [{ exit_code: 1, signal: 0 }, 'exit code 1'],
  [{ signal: 9 }, 'signal 9'],
  [{}, ''],
])('says how a container ended: %j', (end, words) => {
  expect(describeEnd(end)).toBe(words)
})

it.each([
  ['Ready', 'True', 'good'],
  ['Ready', 'False', 'neutral'],
  ['PodScheduled', 'False', 'bad'],
  ['DisruptionTarget', 'True', 'bad'],
  ['DisruptionTarget', 'False', 'neutral'],
  ['Failed', 'True', 'bad'],
  ['Succeeded', 'False', 'bad'],
  ['Succeeded', 'Unknown', 'neutral'],
  ['Finished', 'False', 'neutral'],
])('judges the condition %s=%s as %s', (type, status, verdict) => {
  expect(judgeCondition({ type, status })).toBe(verdict)
})

it('says how often an event happened, and since when', () => {
  const clock = () => '10:00'
  expect(describeCount({ count: 1, first_time: at(0), last_time: at(9) }, clock)).toBeUndefined()
  expect(describeCount({ count: 12, first_time: at(0), last_time: at(9) }, clock)).toBe('12 times since 10:00')
  expect(describeCount({ count: 2, first_time: at(0), last_time: at(0) }, clock)).toBe('2 times')
  expect(describeCount({ count: 2000 }, clock)).toBe('2,000 times')
})

it('cuts digests', () => {
  expect(shortDigest(`registry.example/etl@sha256:${'0123456789abcdef'.repeat(4)}`)).toBe('sha256:0123456789ab')
  expect(shortDigest(`sha256:${'f'.repeat(64)}`)).toBe('sha256:ffffffffffff')
  expect(shortDigest('')).toBe('')
})
