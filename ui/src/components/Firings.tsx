/** One automation in whole sentences, and what became of what it had to do. */
import { Button, Modal } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Bot } from 'lucide-react'

import { firingPages } from '../api/automations'
import type { Automation, Firing } from '../api/types'
import { actionWords, capital, firingWords, triggerWords } from '../lib/automations'
import classes from './Firings.module.css'
import { EmptyState, ErrorState, RowsSkeleton } from './Notices'
import { Outcome } from './Outcome'
import outcomes from './Outcome.module.css'
import { RelativeTime } from './Times'
import { WrittenTo } from './WrittenTo'

export function Firings({ automation, onClose }: { automation: Automation; onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} size="xl" title={<strong className="wrap">{automation.name}</strong>} closeButtonProps={{ 'aria-label': 'Close' }}>
      <section className={classes.rule} aria-label="What it does">
        <p className="wrap">When {triggerWords(automation.spec)}:</p>
        <ol>
          {automation.spec.actions.map((action, at) => (
            <li key={at} className="wrap">
              {capital(actionWords(action))}
            </li>
          ))}
        </ol>
        {automation.spec.paused && <p style={{ color: 'var(--state-paused-text)' }}>It is paused: states that are entered meanwhile are not followed.</p>}
        <WrittenTo item={automation} />
      </section>
      <History automation={automation} />
    </Modal>
  )
}

function History({ automation }: { automation: Automation }) {
  const pages = useInfiniteQuery(firingPages(automation.id))
  const items = pages.data?.pages.flatMap((page) => page.items) ?? []
  if (pages.isPending) return <RowsSkeleton rows={4} height={44} />
  if (pages.isError) return <ErrorState error={pages.error} retry={() => void pages.refetch()} />
  if (items.length === 0) {
    return (
      <EmptyState icon={Bot} title="It had nothing to do yet">
        <p>When a run comes to one of its states, what is done about it is shown here.</p>
      </EmptyState>
    )
  }
  return (
    <>
      <ul className={outcomes.history} aria-label="What it had to do" tabIndex={0}>
        {items.map((each) => (
          <Line key={each.id} firing={each} automation={automation} />
        ))}
      </ul>
      {pages.hasNextPage && (
        <Button size="compact-sm" variant="subtle" mt={8} loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          Show older
        </Button>
      )}
    </>
  )
}

function Line({ firing, automation }: { firing: Firing; automation: Automation }) {
  const waits = firing.outcome === 'waiting'
  return (
    <li>
      <Outcome outcome={firing.outcome} />
      <span className={`cut ${outcomes.what}`}>
        <Link to="/flow-runs/$id" params={{ id: firing.flow_run_id }} className="plain" title={firing.flow_run_name}>
          <strong>{firing.flow_run_name}</strong>
        </Link>{' '}
        <span className="muted">{firingWords(firing, automation.spec)}</span>
      </span>
      <span className="muted">
        <RelativeTime time={waits ? (firing.due ?? firing.created) : (firing.ended ?? firing.created)} />
      </span>
      {firing.last_error != null && firing.outcome !== 'done' && <span className={`wrap ${outcomes.error}`}>{firing.last_error.slice(0, 600)}</span>}
    </li>
  )
}
