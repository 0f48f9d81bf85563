/** An artifact's data, read with care: it is whatever a run has told. Pure. */

export interface Table {
  columns: string[]
  rows: string[][]
  /** Whether all cells of a column are numbers, by column. */
  numeric: boolean[]
}

/** A table as it is drawn; undefined for what is none. */
export function readTable(data: unknown): Table | undefined {
  if (typeof data !== 'object' || data === null || !('columns' in data) || !('rows' in data)) return undefined
  const { columns, rows } = data
  if (!Array.isArray(columns) || !Array.isArray(rows)) return undefined
  const lines = (rows as unknown[]).filter((row): row is unknown[] => Array.isArray(row))
  return {
    columns: (columns as unknown[]).map(cellText),
    rows: lines.map((row) => columns.map((_, index) => cellText(row[index]))),
    numeric: columns.map((_, index) => lines.length > 0 && lines.every((row) => typeof row[index] === 'number' || row[index] == null) && lines.some((row) => typeof row[index] === 'number')),
  }
}

const cellText = (value: unknown): string => (value == null ? '' : typeof value === 'string' ? value : JSON.stringify(value))

export interface Address {
  url: string
  text: string
}

/** Where a link or a picture leads; undefined unless that is an http or https address, which alone may be followed. */
export function readAddress(data: unknown): Address | undefined {
  if (typeof data !== 'object' || data === null || !('url' in data) || typeof data.url !== 'string') return undefined
  if (!URL.canParse(data.url)) return undefined
  const { protocol } = new URL(data.url)
  if (protocol !== 'https:' && protocol !== 'http:') return undefined
  const text = 'text' in data && typeof data.text === 'string' && data.text !== '' ? data.text : data.url
  return { url: data.url, text }
}

/** 0 to 100. */
export function readProgress(data: unknown): number {
  return typeof data === 'number' && Number.isFinite(data) ? Math.min(100, Math.max(0, data)) : 0
}
