/** Concurrency limits: how many task runs with a tag may run at once, how many do, how many wait. */
import { Button, NumberInput, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Gauge, Plus } from 'lucide-react'
import { useMemo, useState } from 'react'

import { concurrencyLimitPages, declaredKeys, putConcurrencyLimit } from '../api/declared'
import type { ConcurrencyLimit } from '../api/types'
import { Snippet } from '../components/Copy'
import { DeclaredList } from '../components/DeclaredList'
import { ItemMenu } from '../components/ItemMenu'
import { useNamespace, useNamespaceForNew } from '../components/namespaces'
import { EmptyState } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { SmallForm } from '../components/SmallForm'
import type { Column } from '../components/VirtualTable'

const MANIFEST = `apiVersion: towpath.dev/v1alpha1
kind: ConcurrencyLimit
metadata:
  name: database
spec:
  tag: database
  limit: 10`

export function ConcurrencyLimits() {
  const pages = useInfiniteQuery({ ...concurrencyLimitPages(useNamespace()), refetchInterval: 5_000 })
  const [edited, setEdited] = useState<ConcurrencyLimit | 'new'>()
  const columns = useMemo<readonly Column<ConcurrencyLimit>[]>(
    () => [
      { head: 'Tag', width: 'minmax(100px, 1fr)', cell: (each) => <strong title={each.spec.tag}>{each.spec.tag}</strong> },
      { head: 'Namespace', width: 'minmax(80px, 0.6fr)', from: 900, cell: (each) => each.namespace },
      { head: 'In use', width: '84px', number: true, cell: (each) => `${each.active} / ${each.spec.limit}` },
      { head: 'Waiting', width: '70px', number: true, cell: (each) => each.waiting || <span className="muted">–</span> },
      {
        head: '\u00a0',
        width: '40px',
        number: true,
        cell: (each) => <ItemMenu kind="concurrency-limits" manifestKind="ConcurrencyLimit" item={each} onEdit={() => setEdited(each)} />,
      },
    ],
    [],
  )
  return (
    <PageFrame
      title="Concurrency Limits"
      fill
      actions={
        <Button leftSection={<Plus size={15} />} onClick={() => setEdited('new')}>
          New limit
        </Button>
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
      {edited !== undefined && <Edit limit={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />}
    </PageFrame>
  )
}

function Edit({ limit, onClose }: { limit?: ConcurrencyLimit; onClose: () => void }) {
  const namespace = useNamespaceForNew()
  const [tag, setTag] = useState(limit?.spec.tag ?? '')
  const [slots, setSlots] = useState<number | string>(limit?.spec.limit ?? 10)
  const send = async () => {
    const put = await putConcurrencyLimit(limit?.namespace ?? namespace, tag.trim(), Number(slots))
    return `At most ${put.spec.limit} task runs tagged ${put.spec.tag} run at once.`
  }
  return (
    <SmallForm title={limit === undefined ? 'New limit' : `Limit of ${limit.spec.tag}`} button="Save" send={send} changes={declaredKeys.concurrencyLimits} onClose={onClose}>
      <TextInput label="Tag" value={tag} onChange={(event) => setTag(event.currentTarget.value)} disabled={limit !== undefined} required data-autofocus />
      <NumberInput label="Task runs at once" value={slots} onChange={setSlots} min={0} allowDecimal={false} required />
    </SmallForm>
  )
}
