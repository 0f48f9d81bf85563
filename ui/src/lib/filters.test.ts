import { describe, expect, it } from 'vitest'

import { countFilters, parseRange, readFlowRunSearch, toQuery } from './filters'
import { parseSearch, stringifySearch } from './search'

const NOW = Date.parse('2026-03-01T10:00:30.500Z')

describe('addresses', () => {
  it('come back as they were written', () => {
    const search = { state: ['FAILED', 'CRASHED'], flow: ['a/b', 'ü & <x>'], range: '24h', name: 'calm-otter', search: 'otter', parameter: ['days=3', 'ticket~OPS'], sort: '-duration' as const }
    expect(readFlowRunSearch(parseSearch(stringifySearch(search)))).toEqual(search)
  })

  it('hold nothing for filters that are not set', () => {
    expect(stringifySearch({ state: undefined, name: '', tag: [] })).toBe('')
  })

  it('with what cannot be read in them are read without it', () => {
    const search = parseSearch('?state=&parent=no-id&range=yesterday&since=never&other=1&sort=colour&parameter=days&name=a&name=b')
    expect(readFlowRunSearch(search)).toEqual({ name: 'b' })
  })
})

describe('toQuery', () => {
  it('asks by the names that the API has', () => {
    expect(toQuery({ queue: ['gpu'], parent: 'x', upcoming: 'yes' }, NOW)).toEqual({ work_queue: ['gpu'], parent_flow_run_id: 'x' })
  })

  it('counts a range back from the minute, so that the question stays the same within it', () => {
    expect(toQuery({ range: '24h' }, NOW)).toEqual(toQuery({ range: '24h' }, NOW + 10_000))
    expect(toQuery({ range: '1h' }, NOW).since).toBe('2026-03-01T09:00:00.000Z')
  })

  it('leaves out runs that are scheduled for later, unless they are asked for', () => {
    expect(toQuery({}, NOW).until).toBe('2026-03-01T10:02:00.000Z')
    expect(toQuery({ upcoming: 'yes' }, NOW).until).toBeUndefined()
    expect(toQuery({ state: ['SCHEDULED'] }, NOW).until).toBeUndefined()
  })

  it('lets exact bounds win over a range', () => {
    const since = '2026-01-01T00:00:00.000Z'
    expect(toQuery({ range: '1h', since, until: since }, NOW)).toEqual({ since, until: since })
  })
})

it.each([
  ['15m', 900_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
  ['7w', undefined],
  [undefined, undefined],
])('reads the range %s', (range, wanted) => {
  expect(parseRange(range)).toBe(wanted)
})

it('counts each value of a filter', () => {
  expect(countFilters({ state: ['FAILED', 'Late'], name: 'a', upcoming: 'yes' })).toBe(3)
})
