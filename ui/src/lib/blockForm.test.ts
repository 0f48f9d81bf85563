import { expect, it } from 'vitest'

import { blockFields, blockTexts, readBlock } from './blockForm'

const SCHEMA = {
  type: 'object',
  required: ['repository', 'token'],
  properties: {
    repository: { type: 'string' },
    token: { type: 'string', format: 'password' },
    settings: { anyOf: [{ type: 'object', format: 'password' }, { type: 'null' }], default: null },
    storage: { type: 'object', 'x-towpath-block-types': ['s3'] },
  },
}
const NONE = new Set<string>()

it('leaves out secrets that were left empty, sends those that were typed, and takes away those that are to go', () => {
  const config = { repository: 'a', storage: { $ref: { block: 's3/lake' } } }
  const fields = blockFields(SCHEMA, ['token', 'settings'], config)
  const texts = blockTexts(fields, config)
  expect(texts).toEqual({ repository: 'a', token: '', settings: '', storage: 's3/lake' })
  const kept = new Set(['token', 'settings'])
  expect(readBlock(fields, texts, kept, NONE)).toEqual({ config, secrets: {}, faults: {} })
  expect(readBlock(fields, { ...texts, token: 'new' }, kept, new Set(['settings'])).secrets).toEqual({ token: 'new', settings: null })
})

it('asks for a secret that is needed and not there yet', () => {
  const fields = blockFields(SCHEMA, ['token', 'settings'], {})
  expect(readBlock(fields, { repository: 'a' }, NONE, NONE).faults).toEqual({ token: 'This one is needed.' })
})

it('shows a block that is written out in place as JSON, so that it is not lost', () => {
  const config = { storage: { bucket_path: 'x' } }
  const fields = blockFields(SCHEMA, [], config)
  expect(fields.find((field) => field.name === 'storage')?.kind).toBe('json')
  expect(JSON.parse(blockTexts(fields, config).storage ?? '')).toEqual(config.storage)
})
