import { describe, expect, it } from 'vitest'

import { createReader } from './eventStream'

describe('createReader', () => {
  it('gives events as they become complete, however the text is cut', () => {
    const text = 'retry: 2000\n\nevent: hello\nid: 7\ndata: {"revision":7}\n\n: still here\n\nevent: logs\ndata: {}\n\n'
    const whole = createReader()(text)
    const read = createReader()
    expect([...text].flatMap((letter) => read(letter))).toEqual(whole)
    expect(whole).toEqual([
      { event: 'hello', data: '{"revision":7}', id: '7' },
      { event: 'logs', data: '{}' },
    ])
  })

  it('joins data of several lines and takes other line ends', () => {
    expect(createReader()('event: x\r\ndata: a\r\ndata:b\r\n\r\n')).toEqual([{ event: 'x', data: 'a\nb' }])
  })
})
