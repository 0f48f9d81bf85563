import { describe, expect, it } from 'vitest'

import { replaceRuns } from '../api/changes'
import { levelName, mergeLogs, searchLogs, splitMatches, toLogText } from './logs'
import { at, makeLog, makeRun } from './make'
import { toManifest, toYaml } from './manifests'
import { stateLabel, toneOf } from './states'
import { formatDuration, formatRelative, runMillis } from './times'

describe('mergeLogs', () => {
  it('keeps each line once, in order, also those that arrive late', () => {
    const before = [makeLog(1), makeLog(4)]
    const merged = mergeLogs(before, [makeLog(4), makeLog(6), makeLog(3)])
    expect(merged.map((log) => log.id)).toEqual([1, 3, 4, 6])
  })

  it('is the same list when nothing is new', () => {
    const before = [makeLog(1)]
    expect(mergeLogs(before, [makeLog(1)])).toBe(before)
  })
})

it('searches messages and loggers whatever their case', () => {
  const logs = [makeLog(1, { message: 'Loading' }), makeLog(2, { logger: 'app.LOADER', message: 'x' }), makeLog(3)]
  expect(searchLogs(logs, ' load ').map((log) => log.id)).toEqual([1, 2])
})

it('splits a text at its matches without losing a character', () => {
  expect(splitMatches('abcABc', 'ab')).toEqual(['', 'ab', 'c', 'AB', 'c'])
  expect(splitMatches('a.b', '.')).toEqual(['a', '.', 'b'])
  expect(splitMatches('abc', '')).toEqual(['abc'])
})

it('writes a log as lines', () => {
  expect(toLogText([makeLog(1, { level: 30 })])).toBe(`${at(1)} | WARNING  | towpath.flow_runs | line 1\n`)
  expect([5, 10, 25, 49, 50].map(levelName)).toEqual(['TRACE', 'DEBUG', 'INFO', 'ERROR', 'CRITICAL'])
})

it.each([
  [0.2, '< 1 ms'],
  [850, '850 ms'],
  [4_210, '4.2 s'],
  [59_970, '1m 00s'],
  [185_000, '3m 05s'],
  [7_830_000, '2h 10m'],
  [5 * 86_400_000 + 3 * 3_600_000, '5d 3h'],
])('says %i ms as %s', (ms, words) => {
  expect(formatDuration(ms)).toBe(words)
})

it('says times relative to now', () => {
  const now = Date.parse(at(0))
  expect(formatRelative(now - 200, now)).toBe('now')
  expect(formatRelative(now - 125_000, now)).toBe('2 min. ago')
  expect(formatRelative(now + 7_300_000, now)).toBe('in 2 hr.')
})

it('measures a run until now while it goes on', () => {
  expect(runMillis({ start_time: at(0), end_time: null }, Date.parse(at(5)))).toBe(5_000)
  expect(runMillis({ start_time: null }, 0)).toBeNull()
})

it('reads state names, and leaves those of users as they are', () => {
  expect(['AwaitingConcurrencySlot', 'TimedOut', 'Completed', 'my state', 'NASA'].map(stateLabel)).toEqual([
    'Awaiting concurrency slot',
    'Timed out',
    'Completed',
    'my state',
    'NASA',
  ])
  expect(toneOf('SCHEDULED', 'Late')).toBe('late')
  expect(toneOf('FAILED', 'TimedOut')).toBe('failed')
})

describe('toYaml', () => {
  it('quotes what YAML would read as something else', () => {
    expect(toYaml({ cron: '0 2 * * *', n: 'no', on: 'plain text', version: '1.0', empty: '', list: [{ a: 1, b: [] }, 'x: y'] })).toBe(
      ['cron: "0 2 * * *"', '"n": "no"', '"on": plain text', 'version: "1.0"', 'empty: ""', 'list:', '  - a: 1', '    b: []', '  - "x: y"'].join('\n'),
    )
  })

  it('leaves out of a manifest what says nothing', () => {
    const manifest = toManifest('Deployment', 'etl.prod', 'default', { flow: 'etl', tags: [], podTemplate: null, concurrency: { limit: 2 } })
    expect(manifest).toContain('  name: etl.prod\n')
    expect(manifest).toContain('spec:\n  flow: etl\n  concurrency:\n    limit: 2\n')
    expect(manifest).not.toMatch(/tags|podTemplate/)
  })
})

describe('replaceRuns', () => {
  const run = makeRun()
  const page = { items: [run, makeRun()], total: 2, total_capped: false }
  const data = { pages: [page], pageParams: [undefined] }

  it('lays a changed run over the one that was there', () => {
    const changed = { ...run, revision: 2 }
    expect(replaceRuns(data, new Map([[run.id, changed]])).pages[0]!.items[0]).toBe(changed)
  })

  it('changes nothing for runs that are not shown', () => {
    expect(replaceRuns(data, new Map([['other', run]]))).toBe(data)
  })
})
