/** Concurrency limits: how many task runs with a tag may run at once, how many do, how many wait. */
import { Button, Group, NumberInput, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Gauge, Plus } from 'lucide-react'
import { lazy, Suspense, useMemo, useState } from 'react'

import { concurrencyLimitPages, declaredKeys, putConcurrencyLimit } from '../api/declared'
import { useMay } from '../api/session'
import type { ConcurrencyLimit } from '../api/types'
import { Snippet } from '../components/Copy'
import { DeclaredList } from '../components/DeclaredList'
import { ItemMenu } from '../components/ItemMenu'
import { useNamespace, useNamespaceForNew } from '../components/namespaces'
import { EmptyState } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { SmallForm } from '../components/SmallForm'
import type { Column } from '../components/VirtualTable'
import { part } from '../lib/loading'

const LimitSlots = lazy(() => part(import('../components/LimitSlots')).then((module) => ({ default: module.LimitSlots })))

const MANIFEST = `apiVersion: towpath.dev/v1alpha1
kind: ConcurrencyLimit
metadata:
  name: database
spec:
  tag: database
  limit: 10`

export function ConcurrencyLimits() {
  const pages = useInfiniteQuery({ ...concurrencyLimitPages(useNamespace()), refetchInterval: 5_000 })
  const mayChange = useMay('update', 'concurrencylimits')
  const [edited, setEdited] = useState<ConcurrencyLimit | 'new'>()
  const [looked, setLooked] = useState<string>()
  const columns = useMemo<readonly Column<ConcurrencyLimit>[]>(
    () => [
      { head: 'Tag', width: 'minmax(100px, 1fr)', cell: (each) => <strong title={each.spec.tag}>{each.spec.tag}</strong> },
      { head: 'Namespace', width: 'minmax(80px, 0.6fr)', from: 900, cell: (each) => each.namespace },
      { head: 'In use', width: '84px', number: true, cell: (each) => `${each.active} / ${each.spec.limit}` },
      { head: 'Slots free up', width: '104px', number: true, from: 640, cell: (each) => (each.spec.slotDecayPerSecond == null ? <span className="muted">–</span> : `${each.spec.slotDecayPerSecond} / s`) },
      { head: 'Waiting', width: '70px', number: true, from: 640, cell: (each) => each.waiting || <span className="muted">–</span> },
      {
        head: '\u00a0',
        width: '110px',
        number: true,
        cell: (each) => (
          <Group gap={4} justify="flex-end" wrap="nowrap">
            <Button size="compact-sm" variant="default" onClick={() => setLooked(each.id)} aria-label={`Slots of ${each.spec.tag}`}>
              Slots
            </Button>
            <ItemMenu kind="concurrency-limits" manifestKind="ConcurrencyLimit" item={each} onEdit={() => setEdited(each)} />
          </Group>
        ),
      },
    ],
    [],
  )
  const shown = pages.data?.pages.flatMap((page) => page.items).find((each) => each.id === looked)
  return (
    <PageFrame
      title="Concurrency Limits"
      fill
      actions={
        mayChange && (
          <Button leftSection={<Plus size={15} />} onClick={() => setEdited('new')}>
            New limit
          </Button>
        )
      }
    >
      <DeclaredList
        pages={pages}
        columns={columns}
        words={['limit', 'limits']}
        textOf={(each) => `${each.spec.tag} ${each.namespace}`}
        empty={
          <EmptyState icon={Gauge} title="No limit yet">
            <p>A limit says how many task runs with a tag may run at once, over all flows. Make one here, or declare it:</p>
            <Snippet what="manifest" text={MANIFEST} />
          </EmptyState>
        }
      />
      {shown !== undefined && (
        <Suspense>
          <LimitSlots limit={shown} onClose={() => setLooked(undefined)} />
        </Suspense>
      )}
      {edited !== undefined && <Edit limit={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />}
    </PageFrame>
  )
}

function Edit({ limit, onClose }: { limit?: ConcurrencyLimit; onClose: () => void }) {
  const namespace = useNamespaceForNew()
  const [tag, setTag] = useState(limit?.spec.tag ?? '')
  const [slots, setSlots] = useState<number | string>(limit?.spec.limit ?? 10)
  const [decay, setDecay] = useState<number | string>(limit?.spec.slotDecayPerSecond ?? '')
  const send = async () => {
    const spec = { tag: tag.trim(), limit: Number(slots), slotDecayPerSecond: decay === '' ? null : Number(decay) }
    const put = await putConcurrencyLimit(limit?.namespace ?? namespace, spec)
    return `At most ${put.spec.limit} task runs tagged ${put.spec.tag} run at once.`
  }
  return (
    <SmallForm title={limit === undefined ? 'New limit' : `Limit of ${limit.spec.tag}`} button="Save" send={send} changes={declaredKeys.concurrencyLimits} of={limit} onClose={onClose}>
      <TextInput label="Tag" value={tag} onChange={(event) => setTag(event.currentTarget.value)} disabled={limit !== undefined} required data-autofocus />
      <NumberInput label="Task runs at once" value={slots} onChange={setSlots} min={0} allowDecimal={false} required />
      <NumberInput label="Slots that become free each second" description="Only for rate_limit() in code: slots taken so free up one after the other." placeholder="None" value={decay} onChange={setDecay} min={0.001} />
    </SmallForm>
  )
}
