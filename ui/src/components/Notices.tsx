/** What a page says when there is nothing to show, when something went wrong, and while it waits. */
import { Button, Skeleton, Text, Title } from '@mantine/core'
import type { LucideIcon } from 'lucide-react'
import { PlugZap, SearchX, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'

import { ApiError } from '../api/client'
import classes from './Notices.module.css'

/** An empty place that teaches: what would be here, and how to get it. */
export function EmptyState({ icon: Icon, title, children }: { icon: LucideIcon; title: string; children?: ReactNode }) {
  return (
    <div className={classes.notice}>
      <Icon size={32} strokeWidth={1.5} className={classes.sign} aria-hidden />
      <Title order={2} size="h4">
        {title}
      </Title>
      {children !== undefined && <div className={classes.body}>{children}</div>}
    </div>
  )
}

const TITLES: Record<number, string> = {
  0: 'The server does not answer',
  401: 'The server asks who you are',
  403: 'You may not see this',
  404: 'There is no such thing here',
}

/** What went wrong and what can be done, with a way to try again. */
export function ErrorState({ error, retry }: { error: unknown; retry?: () => void }) {
  const known = error instanceof ApiError
  const status = known ? error.status : -1
  const Icon = status === 0 ? PlugZap : status === 404 ? SearchX : TriangleAlert
  return (
    <div className={classes.notice} role="alert">
      <Icon size={32} strokeWidth={1.5} className={classes.sign} aria-hidden />
      <Title order={2} size="h4">
        {TITLES[status] ?? 'This did not work'}
      </Title>
      <Text className={classes.body}>{error instanceof Error ? error.message : 'The page failed in a way it does not know.'}</Text>
      {retry !== undefined && (
        <Button variant="default" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  )
}

/** Rows of the height that the list will have, below the place of its head if it has one, so that nothing jumps when it comes. */
export function RowsSkeleton({ rows = 8, height = 52, head = false }: { rows?: number; height?: number; head?: boolean }) {
  return (
    <div aria-busy="true" aria-label="Loading">
      {head && <div className={classes.row} style={{ height: 37 }} />}
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className={classes.row} style={{ height }}>
          <Skeleton height={14} width={`${62 - ((index * 17) % 31)}%`} />
        </div>
      ))}
    </div>
  )
}
