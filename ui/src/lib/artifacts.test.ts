import { expect, it } from 'vitest'

import { readAddress, readProgress, readTable } from './artifacts'

it('reads a table, ragged rows and all', () => {
  const table = readTable({ columns: ['name', 'count'], rows: [['a', 1], ['b'], ['<b>', 2.5, 'too much'], 'no row'] })
  expect(table).toEqual({ columns: ['name', 'count'], rows: [['a', '1'], ['b', ''], ['<b>', '2.5']], numeric: [false, true] })
  expect(readTable({ columns: 'a' })).toBeUndefined()
  expect(readTable(null)).toBeUndefined()
})

it.each([
  [{ url: 'https://a.example/x', text: 'the report' }, { url: 'https://a.example/x', text: 'the report' }],
  [{ url: 'http://a.example' }, { url: 'http://a.example', text: 'http://a.example' }],
  [{ url: 'javascript:alert(1)', text: 'harmless' }, undefined],
  [{ url: 'data:text/html,x' }, undefined],
  [{ url: '/relative' }, undefined],
  ['https://a.example', undefined],
])('follows only addresses of the web: %j', (data, expected) => {
  expect(readAddress(data)).toEqual(expected)
})

it.each([
  [42.5, 42.5],
  [140, 100],
  ['half', 0],
])('bounds progress: %j', (data, expected) => {
  expect(readProgress(data)).toBe(expected)
})
