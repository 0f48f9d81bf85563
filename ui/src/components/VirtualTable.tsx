/** A table of any length whose rows are in the page only while in sight. Columns give way as the place gets narrow. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useRef } from 'react'

import classes from './VirtualTable.module.css'

export interface Column<T> {
  head: string
  /** A CSS grid track, as `minmax(120px, 1fr)`. */
  width: string
  cell: (row: T) => ReactNode
  number?: boolean
  /** The least width of the table, in pixels, at which this column is shown. */
  from?: 640 | 900
}

interface Props<T> {
  label: string
  rows: readonly T[]
  rowKey: (row: T) => string
  columns: readonly Column<T>[]
  /** Height of a row in pixels. */
  height?: number
  /** Keeps the width of its columns and scrolls sideways where they do not fit. */
  wide?: boolean
  /** The most that the table takes of the page, as a CSS height; without it the table fills its place. */
  maxHeight?: string
}

/** Pixels of a column, with its gap, in a table that scrolls sideways. */
const WIDE = 126

export function VirtualTable<T>({ label, rows, rowKey, columns, height = 44, maxHeight, wide = false }: Props<T>) {
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => height,
    getItemKey: (index) => {
      const row = rows[index]
      return row === undefined ? index : rowKey(row)
    },
    overscan: 8,
  })
  const tracks = (least: number) => columns.filter((column) => (column.from ?? 0) <= least).map((column) => column.width).join(' ')
  const style = { '--all': tracks(900), '--mid': tracks(640), '--few': tracks(0), '--wide': `${columns.length * WIDE + 20}px`, maxHeight } as React.CSSProperties
  return (
    <div ref={box} className={`card ${classes.table}`} style={style} data-wide={wide || undefined} role="table" aria-label={label} aria-rowcount={rows.length} tabIndex={0}>
      <div role="rowgroup" className={classes.head}>
        <div role="row" className={classes.grid}>
          {columns.map((column) => (
            <span key={column.head} role="columnheader" data-number={column.number} data-from={column.from}>
              {column.head}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" className={classes.rows} style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index]
          return row === undefined ? null : (
            <div key={item.key} role="row" aria-rowindex={item.index + 1} className={`${classes.row} ${classes.grid}`} style={{ height, transform: `translateY(${item.start}px)` }}>
              {columns.map((column) => (
                <span key={column.head} role="cell" className="cut" data-number={column.number} data-from={column.from}>
                  {column.cell(row)}
                </span>
              ))}
            </div>
          )
        })}
      </div>
    </div>
  )
}
