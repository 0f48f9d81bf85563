import { expect, it } from 'vitest'

import { at, makeRun } from './make'
import { LEAST, scatterRuns } from './scatter'

it('gives each ended run one point, in the order of their start', () => {
  const late = makeRun({ start_time: at(10), end_time: at(14) })
  const early = makeRun({ start_time: at(1), end_time: at(1), type: 'FAILED' })
  const { runs, starts, series } = scatterRuns([late, makeRun({ end_time: null, type: 'RUNNING' }), early])
  expect(runs).toEqual([early, late])
  expect(starts).toEqual([Date.parse(at(1)) / 1000, Date.parse(at(10)) / 1000])
  expect(series).toEqual([
    { type: 'COMPLETED', seconds: [null, 4] },
    { type: 'FAILED', seconds: [LEAST, null] },
  ])
})
