import { expect, it } from 'vitest'

import { allows } from './session'
import type { Session } from './types'

const session: Session = {
  user: 'ada',
  groups: [],
  how: 'cookie',
  everywhere: { flowruns: ['list'] },
  namespaces: [{ namespace: 'team-a', allowed: { flowruns: ['list', 'create'] } }],
  truncated: false,
}

it.each([
  ['list', 'flowruns', 'team-b', true],
  ['create', 'flowruns', 'team-a', true],
  ['create', 'flowruns', 'team-b', false],
  ['create', 'flowruns', undefined, true],
  ['delete', 'flowruns', undefined, false],
  ['list', 'blocks', undefined, false],
] as const)('answers whether one may %s %s in %s: %s', (verb, resource, namespace, expected) => {
  expect(allows(session, verb, resource, namespace)).toBe(expected)
})
