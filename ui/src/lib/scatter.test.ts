import { expect, it } from 'vitest'

import type { RunDuration } from '../api/types'
import { at } from './make'
import { LEAST, scatterRuns } from './scatter'

it('gives each run one point in the series of its state', () => {
  const point = (start: number, seconds: number, state_type: RunDuration['state_type']): RunDuration => ({ id: String(start), name: 'a', flow_name: 'b', state_type, state_name: 'x', start_time: at(start), seconds })
  const { starts, series } = scatterRuns([point(1, 0, 'FAILED'), point(10, 4, 'COMPLETED')])
  expect(starts).toEqual([Date.parse(at(1)) / 1000, Date.parse(at(10)) / 1000])
  expect(series).toEqual([
    { type: 'COMPLETED', seconds: [null, 4] },
    { type: 'FAILED', seconds: [LEAST, null] },
  ])
})
