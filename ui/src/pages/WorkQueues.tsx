/** The work queues: how much waits in each, what runs, what is late; to pause one. */
import { Button, Menu, NumberInput, Select, TextInput } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Layers, Pause, Play, Plus } from 'lucide-react'
import { useMemo, useState } from 'react'

import { changeWorkQueue, declaredKeys, putWorkQueue, workQueuePages } from '../api/declared'
import { useMay } from '../api/session'
import type { WorkQueue } from '../api/types'
import { tell, tellError } from '../components/cancelling'
import { Snippet } from '../components/Copy'
import { DeclaredList } from '../components/DeclaredList'
import { ItemMenu } from '../components/ItemMenu'
import { useNamespace, useNamespaceForNew } from '../components/namespaces'
import { EmptyState } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { SmallForm } from '../components/SmallForm'
import { RelativeTime } from '../components/Times'
import type { Column } from '../components/VirtualTable'

const MANIFEST = `apiVersion: towpath.dev/v1alpha1
kind: WorkQueue
metadata:
  name: default
spec:
  launcher: Job
  concurrencyLimit: 20`

export function WorkQueues() {
  const pages = useInfiniteQuery(workQueuePages(useNamespace()))
  const pause = usePause()
  const { mutate } = pause
  const mayChange = useMay('update', 'workqueues')
  const [edited, setEdited] = useState<WorkQueue | 'new'>()
  const columns = useMemo(() => columnsWith((queue) => mutate(queue), setEdited, mayChange), [mutate, mayChange])
  return (
    <PageFrame
      title="Work Queues"
      fill
      actions={
        mayChange && (
          <Button leftSection={<Plus size={15} />} onClick={() => setEdited('new')}>
            New queue
          </Button>
        )
      }
    >
      <DeclaredList
        pages={pages}
        columns={columns}
        words={['queue', 'queues']}
        textOf={(queue) => `${queue.name} ${queue.namespace}`}
        empty={
          <EmptyState icon={Layers} title="No work queue yet">
            <p>Runs wait in a queue until a launcher takes them. One exists as soon as a deployment names it; declare it to set limits:</p>
            <Snippet what="manifest" text={MANIFEST} />
            <p>Locally, start an agent that runs what waits in it as processes:</p>
            <Snippet text="towpath agent start -q default" />
          </EmptyState>
        }
      />
      {edited !== undefined && <Edit queue={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />}
    </PageFrame>
  )
}

const LAUNCHERS = [
  { value: 'Agent', label: 'Agent: processes of `towpath agent`' },
  { value: 'Job', label: 'Job: pods that the operator starts' },
]

function Edit({ queue, onClose }: { queue?: WorkQueue; onClose: () => void }) {
  const namespace = useNamespaceForNew()
  const [name, setName] = useState(queue?.name ?? '')
  const [launcher, setLauncher] = useState<string>(queue?.spec.launcher ?? 'Agent')
  const [limit, setLimit] = useState<number | string>(queue?.spec.concurrencyLimit ?? '')
  const [priority, setPriority] = useState<number | string>(queue?.spec.priority ?? 0)
  const send = async () => {
    const changes = {
      launcher: launcher === 'Job' ? ('Job' as const) : ('Agent' as const),
      concurrencyLimit: limit === '' ? null : Number(limit),
      priority: Number(priority),
    }
    const put = await (queue === undefined ? putWorkQueue(namespace, name.trim(), changes) : changeWorkQueue(queue, changes))
    return `The queue ${put.name} is set.`
  }
  return (
    <SmallForm title={queue === undefined ? 'New queue' : `Queue ${queue.name}`} button="Save" send={send} changes={declaredKeys.workQueues} of={queue} onClose={onClose}>
      <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} disabled={queue !== undefined} required data-autofocus />
      <Select label="Launcher" data={LAUNCHERS} value={launcher} onChange={(value) => setLauncher(value ?? 'Agent')} allowDeselect={false} />
      <NumberInput label="Runs at once" placeholder="Any number" value={limit} onChange={setLimit} min={0} allowDecimal={false} />
      <NumberInput label="Priority" description="Queues of higher priority are served first." value={priority} onChange={setPriority} allowDecimal={false} required />
    </SmallForm>
  )
}

function usePause() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (queue: WorkQueue) => changeWorkQueue(queue, { paused: !queue.spec.paused }),
    onSuccess: (queue) => {
      tell(queue.spec.paused ? `The queue ${queue.name} is paused: what waits in it stays there.` : `The queue ${queue.name} goes on.`)
      void queries.invalidateQueries({ queryKey: declaredKeys.workQueues })
    },
    onError: tellError('The queue was not changed.'),
  })
}

function columnsWith(toggle: (queue: WorkQueue) => void, edit: (queue: WorkQueue) => void, mayChange: boolean): readonly Column<WorkQueue>[] {
  const count = (value: number) => (value > 0 ? value.toLocaleString('en') : <span className="muted">–</span>)
  return [
    {
      head: 'Queue',
      width: 'minmax(100px, 1.4fr)',
      cell: (queue) => (
        <>
          <Link to="/flow-runs" search={{ queue: [queue.name] }} className="plain" title={`Runs of ${queue.name}`} style={{ fontWeight: 550 }}>
            {queue.name}
          </Link>
          {queue.spec.paused && <span style={{ color: 'var(--state-paused-text)' }}> paused</span>}
        </>
      ),
    },
    { head: 'Launcher', width: 'minmax(90px, 1fr)', from: 900, cell: (queue) => (queue.spec.launcher === 'Job' ? 'Kubernetes Jobs' : 'Agent') },
    { head: 'Priority', width: '70px', number: true, from: 900, cell: (queue) => queue.spec.priority },
    { head: 'Waiting', width: '70px', number: true, cell: (queue) => count(queue.queued) },
    {
      head: 'Late',
      width: '56px',
      number: true,
      from: 640,
      cell: (queue) => (queue.late > 0 ? <span style={{ color: 'var(--state-late-text)', fontWeight: 600 }}>{queue.late.toLocaleString('en')}</span> : count(0)),
    },
    { head: 'Oldest', width: '96px', number: true, from: 640, cell: (queue) => <RelativeTime time={queue.oldest_waiting} /> },
    {
      head: 'Running',
      width: '90px',
      number: true,
      cell: (queue) => (
        <>
          {queue.spec.concurrencyLimit == null ? count(queue.running) : queue.running.toLocaleString('en')}
          {queue.spec.concurrencyLimit != null && <span className="muted"> / {queue.spec.concurrencyLimit}</span>}
        </>
      ),
    },
    {
      head: '\u00a0',
      width: '108px',
      number: true,
      from: 640,
      cell: (queue) =>
        mayChange && (
          <Button size="compact-sm" variant="default" leftSection={queue.spec.paused ? <Play size={13} /> : <Pause size={13} />} onClick={() => toggle(queue)}>
            {queue.spec.paused ? 'Resume' : 'Pause'}
          </Button>
        ),
    },
    {
      head: '\u00a0\u00a0',
      width: '30px',
      number: true,
      cell: (queue) => (
        <ItemMenu kind="work-queues" manifestKind="WorkQueue" item={queue} onEdit={() => edit(queue)}>
          {mayChange && (
            <Menu.Item leftSection={queue.spec.paused ? <Play size={14} /> : <Pause size={14} />} onClick={() => toggle(queue)}>
              {queue.spec.paused ? 'Resume' : 'Pause'}
            </Menu.Item>
          )}
        </ItemMenu>
      ),
    },
  ]
}
