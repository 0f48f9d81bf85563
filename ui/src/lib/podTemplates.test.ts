import { expect, it } from 'vitest'

import { mergeTemplates } from './podTemplates'

it('lays the later over the earlier: objects by field, containers and variables by name, other lists appended', () => {
  const queue = {
    metadata: { labels: { team: 'a', cost: '1' } },
    spec: {
      containers: [{ name: 'flow', image: null, env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }], resources: { requests: { cpu: '1' } } }],
      tolerations: [{ key: 'x' }],
      affinity: { nodeAffinity: { a: 1 } },
    },
  }
  const deployment = {
    metadata: { labels: { team: 'b' } },
    spec: {
      containers: [{ name: 'flow', image: 'flows:2', env: [{ name: 'B', valueFrom: { secretKeyRef: { name: 's' } } }], resources: { requests: { memory: '1Gi' } } }],
      tolerations: [{ key: 'x' }, { key: 'y' }],
      affinity: { podAffinity: { b: 2 } },
      nodeSelector: {},
    },
  }
  expect(mergeTemplates([queue, null, undefined, deployment])).toEqual({
    metadata: { labels: { team: 'b', cost: '1' } },
    spec: {
      containers: [
        {
          name: 'flow',
          image: 'flows:2',
          env: [{ name: 'A', value: '1' }, { name: 'B', valueFrom: { secretKeyRef: { name: 's' } } }],
          resources: { requests: { cpu: '1', memory: '1Gi' } },
        },
      ],
      tolerations: [{ key: 'x' }, { key: 'y' }],
      affinity: { podAffinity: { b: 2 } },
    },
  })
})

it('is empty where nothing is set', () => {
  expect(mergeTemplates([null, {}])).toEqual({})
})
