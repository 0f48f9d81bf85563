import { describe, expect, it } from 'vitest'

import { type Field, parseForm, parseText, readFields, toText, valueAt } from './schemaForm'

const SCHEMA = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', title: 'Name', position: 1 },
    days: { type: 'integer', default: 3, position: 0, description: 'How far back.' },
    color: { $ref: '#/$defs/Color' },
    at: { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }], default: null },
    ids: { type: 'array', items: { type: 'integer' } },
    either: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
  },
  $defs: { Color: { enum: ['red', 'blue'], description: 'A colour.' } },
}

describe('readFields', () => {
  it('gives each parameter the field that fits it, in the flow’s order', () => {
    expect(readFields(SCHEMA).map(({ name, kind, nullable }) => [name, kind, nullable])).toEqual([
      ['days', 'integer', false],
      ['name', 'text', false],
      ['color', 'choice', false],
      ['at', 'date-time', true],
      ['ids', 'json', false],
      ['either', 'json', false],
    ])
  })

  it.each([null, 'text', {}, { type: 'object' }, { properties: { loop: { $ref: '#/properties/loop' } } }])('survives the schema %j', (schema) => {
    expect(readFields(schema).every((field) => field.kind === 'json')).toBe(true)
  })
})

describe('parseText', () => {
  const field = (kind: Field['kind'], more: Partial<Field> = {}): Field => ({ name: 'x', title: 'x', kind, required: false, nullable: false, ...more })

  it.each([
    ['integer', ' 42 ', { value: 42 }],
    ['integer', '4.2', { fault: 'Give a whole number.' }],
    ['number', '-4.2e1', { value: -42 }],
    ['number', 'many', { fault: 'Give a number.' }],
    ['boolean', 'false', { value: false }],
    ['text', ' kept ', { value: ' kept ' }],
    ['json', '[1, {"a": null}]', { value: [1, { a: null }] }],
    ['date-time', 'soon', { fault: 'Give a date and a time.' }],
    ['text', '  ', { missing: true }],
  ] as const)('reads as %s: %j', (kind, text, wanted) => {
    expect(parseText(field(kind), text)).toEqual(wanted)
  })

  it('asks for what is required and has nothing to fall back to', () => {
    expect(parseText(field('text', { required: true }), '')).toHaveProperty('fault')
    expect(parseText(field('text', { required: true, fallback: 'a' }), '')).toEqual({ missing: true })
  })

  it('keeps the type of a choice', () => {
    expect(parseText(field('choice', { choices: [1, 'a', null] }), '1')).toEqual({ value: 1 })
  })

  it('reads back a time that it showed', () => {
    const time = '2026-03-01T10:00:00.000Z'
    expect(parseText(field('date-time'), toText(field('date-time'), time))).toEqual({ value: time })
  })
})

it('names every fault of a form, and leaves out what was left empty', () => {
  const { values, faults } = parseForm(readFields(SCHEMA), { days: 'x', ids: '[1]' })
  expect(values).toEqual({ ids: [1] })
  expect(Object.keys(faults).sort()).toEqual(['days', 'name'])
})

describe('nested objects', () => {
  const schema = {
    type: 'object',
    properties: {
      auth: { $ref: '#/$defs/Auth' },
      to: { type: 'array', items: { type: 'string' } },
      maybe: { anyOf: [{ $ref: '#/$defs/Auth' }, { type: 'null' }] },
      storage: { type: 'object', properties: { path: { type: 'string' } }, 'x-towpath-block-types': ['s3'] },
    },
    $defs: { Auth: { type: 'object', required: ['user'], properties: { user: { type: 'string' }, token: { type: 'string', format: 'password', title: 'Token' } } } },
  }

  it('have fields of their own, but for those that may be null', () => {
    expect(readFields(schema).map(({ name, kind, title }) => [name, kind, title])).toEqual([
      ['auth.user', 'text', 'auth · user'],
      ['auth.token', 'secret', 'auth · Token'],
      ['to', 'texts', 'to'],
      ['maybe', 'json', 'maybe'],
      ['storage', 'block', 'storage'],
    ])
  })

  it('are put together again from what was typed', () => {
    const { values } = parseForm(readFields(schema), { 'auth.user': 'ada', to: 'a@b.example\n\n c@d.example ' })
    expect(values).toEqual({ auth: { user: 'ada' }, to: ['a@b.example', 'c@d.example'] })
    expect(valueAt(values, 'auth.user')).toBe('ada')
    expect(valueAt(values, 'auth.constructor')).toBeUndefined()
  })

  it('name other blocks by reference', () => {
    const [field] = readFields(schema).filter((each) => each.kind === 'block')
    const value = { $ref: { block: 's3/lake' } }
    expect(parseText(field!, toText(field!, value))).toEqual({ value })
  })
})
