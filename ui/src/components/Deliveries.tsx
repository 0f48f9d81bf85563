/** What became of a notification's messages: to whom, about which run, and why one was not sent. */
import { Button, Modal } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Bell } from 'lucide-react'

import { deliveryPages, lastDelivery } from '../api/notifications'
import type { Delivery, Notification } from '../api/types'
import { EmptyState, ErrorState, RowsSkeleton } from './Notices'
import { Outcome } from './Outcome'
import classes from './Outcome.module.css'
import { RelativeTime } from './Times'

/** The outcome of a notification's latest message. */
export function LastOutcome({ notification }: { notification: Notification }) {
  const last = useQuery(lastDelivery(notification.id))
  if (last.data == null) return <span className="muted">–</span>
  return <Outcome outcome={last.data.outcome} title={last.data.last_error} />
}

export function Deliveries({ notification, onClose }: { notification: Notification; onClose: () => void }) {
  const pages = useInfiniteQuery(deliveryPages(notification.id))
  const items = pages.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <Modal opened onClose={onClose} size="xl" title={<strong>Messages of {notification.name}</strong>} closeButtonProps={{ 'aria-label': 'Close' }}>
      {pages.isPending ? (
        <RowsSkeleton rows={4} height={44} />
      ) : pages.isError ? (
        <ErrorState error={pages.error} retry={() => void pages.refetch()} />
      ) : items.length === 0 ? (
        <EmptyState icon={Bell} title="Nothing was sent yet">
          <p>When a run comes to one of its states, each of its blocks gets a message, and what became of it is shown here.</p>
        </EmptyState>
      ) : (
        <ul className={classes.history} aria-label="Messages" tabIndex={0}>
          {items.map((each) => (
            <Line key={each.id} delivery={each} />
          ))}
        </ul>
      )}
      {pages.hasNextPage && (
        <Button size="compact-sm" variant="subtle" mt={8} loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          Show older
        </Button>
      )}
    </Modal>
  )
}

function Line({ delivery }: { delivery: Delivery }) {
  return (
    <li>
      <Outcome outcome={delivery.outcome} />
      <span className={`cut ${classes.what}`}>
        <Link to="/flow-runs/$id" params={{ id: delivery.flow_run_id }} className="plain">
          <strong>{delivery.flow_run_name}</strong>
        </Link>{' '}
        <span className="muted">
          became {delivery.state_name}, told to {delivery.channel}
          {delivery.attempts > 1 && ` at the ${delivery.attempts}th try`}
        </span>
      </span>
      <span className="muted">
        <RelativeTime time={delivery.sent ?? delivery.failed ?? delivery.created} />
      </span>
      {delivery.last_error != null && delivery.outcome !== 'sent' && <span className={`wrap ${classes.error}`}>{delivery.last_error.slice(0, 600)}</span>}
    </li>
  )
}
