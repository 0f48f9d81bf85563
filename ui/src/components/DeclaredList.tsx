/** A list of declared things: asked for page by page until all are there, searched by name in the page. */
import { TextInput } from '@mantine/core'
import { type InfiniteData, type UseInfiniteQueryResult } from '@tanstack/react-query'
import { Search } from 'lucide-react'
import { type ReactNode, useEffect, useMemo, useState } from 'react'

import type { Page } from '../api/types'
import { ErrorState, RowsSkeleton } from './Notices'
import classes from './TaskTable.module.css'
import { type Column, VirtualTable } from './VirtualTable'

interface Item {
  id: string
  name: string
}

interface Props<T extends Item> {
  pages: UseInfiniteQueryResult<InfiniteData<Page<T>>>
  columns: readonly Column<T>[]
  /** One of them, and several. */
  words: [string, string]
  textOf: (item: T) => string
  empty: ReactNode
  /** Height of a row in pixels. */
  height?: number
}

export function DeclaredList<T extends Item>({ pages, columns, words, textOf, empty, height = 52 }: Props<T>) {
  const [text, setText] = useState('')
  const items = useMemo(() => pages.data?.pages.flatMap((page) => page.items) ?? [], [pages.data])
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = pages
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage])
  const find = `Find ${/^[aeiou]/.test(words[0]) ? 'an' : 'a'} ${words[0]}`
  const wanted = text.trim().toLowerCase()
  const shown = wanted === '' ? items : items.filter((item) => textOf(item).toLowerCase().includes(wanted))
  const counted = (
    <div className={classes.bar}>
      <TextInput leftSection={<Search size={15} />} placeholder={find} aria-label={find} value={text} onChange={(event) => setText(event.currentTarget.value)} />
      {!pages.isPending && (
        <span className="muted numbers" role="status">
          {shown.length === items.length ? '' : `${shown.length.toLocaleString('en')} of `}
          {items.length.toLocaleString('en')} {items.length === 1 ? words[0] : words[1]}
        </span>
      )}
    </div>
  )
  if (pages.isPending) {
    return (
      <>
        {counted}
        <div className="card">
          <RowsSkeleton rows={6} height={height} head />
        </div>
      </>
    )
  }
  if (pages.isError && items.length === 0) return <ErrorState error={pages.error} retry={() => void pages.refetch()} />
  if (items.length === 0) return <div className="card">{empty}</div>
  return (
    <>
      {counted}
      <VirtualTable label={words[1]} rows={shown} rowKey={(item) => item.id} columns={columns} height={height} />
    </>
  )
}
