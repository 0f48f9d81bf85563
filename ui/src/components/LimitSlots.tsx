/** Who holds the slots of a concurrency limit and who waits for one; frees those whose holders are stuck. */
import { Button, Group, Modal } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Unlock } from 'lucide-react'

import { declaredKeys, limitSlotsQuery, releaseSlots } from '../api/declared'
import { useMay } from '../api/session'
import type { ConcurrencyLimit, LimitSlot } from '../api/types'
import { tell, tellError } from './cancelling'
import classes from './LimitSlots.module.css'
import { ErrorState, RowsSkeleton } from './Notices'
import { RelativeTime } from './Times'

export function LimitSlots({ limit, onClose }: { limit: ConcurrencyLimit; onClose: () => void }) {
  const slots = useQuery({ ...limitSlotsQuery(limit.id), refetchInterval: 5_000 })
  const queries = useQueryClient()
  const release = useMutation({
    mutationFn: (holders: string[] | undefined) => releaseSlots(limit.id, holders),
    onSuccess: (released) => {
      tell(released === 1 ? 'One holder was freed.' : `${released} holders were freed.`)
      void queries.invalidateQueries({ queryKey: declaredKeys.concurrencyLimits })
    },
    onError: tellError('Nothing was freed.'),
  })
  const mayFree = useMay('update', 'concurrencylimits', limit.namespace)
  const { holders = [], waiters = [] } = slots.data ?? {}
  return (
    <Modal opened onClose={onClose} size="xl" title={<strong>Slots of {limit.spec.tag}</strong>} closeButtonProps={{ 'aria-label': 'Close' }}>
      {slots.isPending ? (
        <RowsSkeleton rows={4} height={40} />
      ) : slots.isError ? (
        <ErrorState error={slots.error} retry={() => void slots.refetch()} />
      ) : (
        <>
          <Part title={`Held: ${limit.active} of ${limit.spec.limit}`} none="No slot is held." slots={holders} free={mayFree ? (slot) => release.mutate([slot.holder]) : undefined} />
          {mayFree && holders.length > 1 && (
            <Group justify="flex-end" mt={8}>
              <Button size="compact-sm" variant="default" loading={release.isPending} onClick={() => release.mutate(undefined)}>
                Free all {holders.length}
              </Button>
            </Group>
          )}
          <Part title={`Waiting: ${waiters.length}`} none="Nothing waits for a slot." slots={waiters} />
          <p className={`muted ${classes.note}`}>A holder that died gives its slots back by itself when its lease ends. Freeing one does not stop its task run.</p>
        </>
      )}
    </Modal>
  )
}

interface PartProps {
  title: string
  none: string
  slots: readonly LimitSlot[]
  free?: (slot: LimitSlot) => void
}

function Part({ title, none, slots, free }: PartProps) {
  return (
    <section aria-label={title}>
      <h3 className={classes.heading}>{title}</h3>
      {slots.length === 0 ? (
        <p className="muted">{none}</p>
      ) : (
        <ul className={classes.slots}>
          {slots.map((slot) => (
            <li key={slot.holder}>
              <span className="cut">
                <Holder slot={slot} />
              </span>
              <span className="muted numbers">{slot.occupied > 1 && `${slot.occupied} slots`}</span>
              <span className="muted">
                since <RelativeTime time={slot.since} />
              </span>
              {free !== undefined && (
                <Button size="compact-sm" variant="default" leftSection={<Unlock size={13} />} onClick={() => free(slot)} aria-label={`Free ${slot.task_run_name ?? slot.holder}`}>
                  Free
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Holder({ slot }: { slot: LimitSlot }) {
  return (
    <>
      {slot.task_run_id != null ? (
        <Link to="/task-runs/$id" params={{ id: slot.task_run_id }} className="plain">
          <strong>{slot.task_run_name ?? slot.task_run_id}</strong>
        </Link>
      ) : (
        <span className="mono">{slot.flow_run_id == null ? slot.holder : 'A block of code'}</span>
      )}
      {slot.flow_run_id != null && (
        <>
          {' of '}
          <Link to="/flow-runs/$id" params={{ id: slot.flow_run_id }} className="plain">
            {slot.flow_run_name ?? slot.flow_run_id}
          </Link>
        </>
      )}
    </>
  )
}
