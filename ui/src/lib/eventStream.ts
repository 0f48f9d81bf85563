/** Reads server-sent events from text that arrives in pieces. Pure; what connects is in api/live. */

export interface ServerEvent {
  event: string
  data: string
  id?: string
}

/** Gives the events that are complete after each piece; keeps the rest for the next one. */
export function createReader(): (piece: string) => ServerEvent[] {
  let rest = ''
  return (piece) => {
    rest += piece
    const blocks = rest.split(/\r?\n\r?\n/)
    rest = blocks.pop() ?? ''
    return blocks.flatMap((block) => readBlock(block) ?? [])
  }
}

/** Undefined for what carries no data: comments that keep the connection alive, and advice on when to come again. */
function readBlock(block: string): ServerEvent | undefined {
  const found: ServerEvent = { event: 'message', data: '' }
  const data: string[] = []
  for (const line of block.split(/\r?\n/)) {
    const at = line.indexOf(':')
    if (at <= 0) continue
    const value = line.slice(at + 1).replace(/^ /, '')
    const name = line.slice(0, at)
    if (name === 'event') found.event = value
    else if (name === 'data') data.push(value)
    else if (name === 'id') found.id = value
  }
  if (data.length === 0) return undefined
  return { ...found, data: data.join('\n') }
}
