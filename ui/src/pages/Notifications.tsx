/** Notifications: which states of which runs are told to whom. */
import { Button, Menu } from '@mantine/core'
import { useInfiniteQuery, useMutation } from '@tanstack/react-query'
import { Bell, History, Plus, Send } from 'lucide-react'
import { lazy, Suspense, useMemo, useState } from 'react'

import { notificationPages } from '../api/declared'
import { testNotification } from '../api/notifications'
import { useMay } from '../api/session'
import type { Notification } from '../api/types'
import { tell, tellError } from '../components/cancelling'
import { Snippet } from '../components/Copy'
import { DeclaredList } from '../components/DeclaredList'
import { Deliveries, LastOutcome } from '../components/Deliveries'
import { ItemMenu } from '../components/ItemMenu'
import { useNamespace } from '../components/namespaces'
import { EmptyState } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { RelativeTime } from '../components/Times'
import type { Column } from '../components/VirtualTable'
import { stateWord } from '../lib/automations'
import { part } from '../lib/loading'

const MANIFEST = `apiVersion: towpath.dev/v1alpha1
kind: Notification
metadata:
  name: failures
spec:
  states: [FAILED, CRASHED]
  channels: [slack-webhook/team]`

const NotificationForm = lazy(() => part(import('../components/NotificationForm')).then((module) => ({ default: module.NotificationForm })))

const columnsWith = (edit: (notification: Notification) => void, look: (notification: Notification) => void): readonly Column<Notification>[] => [
  {
    head: 'Notification',
    width: 'minmax(110px, 1.2fr)',
    cell: (each) => (
      <span title={each.name}>
        <strong>{each.name}</strong> {each.spec.paused && <span style={{ color: 'var(--state-paused-text)' }}>paused</span>}
      </span>
    ),
  },
  { head: 'When', width: 'minmax(100px, 1fr)', cell: (each) => each.spec.states.map(stateWord).join(', ') },
  {
    head: 'Which runs',
    width: 'minmax(100px, 1.4fr)',
    from: 900,
    cell: (each) => [...each.spec.flows, ...each.spec.deployments, ...each.spec.tags.map((tag) => `#${tag}`)].join(', ') || 'All',
  },
  { head: 'Told to', width: 'minmax(100px, 1fr)', from: 640, cell: (each) => <span title={each.spec.channels.join(', ')}>{each.spec.channels.join(', ')}</span> },
  { head: 'Last message', width: '104px', from: 640, cell: (each) => <LastOutcome notification={each} /> },
  { head: 'Last sent', width: '96px', number: true, from: 640, cell: (each) => <RelativeTime time={each.last_sent} /> },
  {
    head: '\u00a0',
    width: '40px',
    number: true,
    cell: (each) => (
      <ItemMenu kind="notifications" manifestKind="Notification" item={each} onEdit={() => edit(each)}>
        <TestItem notification={each} />
        <Menu.Item leftSection={<History size={14} />} onClick={() => look(each)}>
          Messages
        </Menu.Item>
      </ItemMenu>
    ),
  },
]

function TestItem({ notification }: { notification: Notification }) {
  const mayChange = useMay('update', 'notifications', notification.namespace)
  const test = useMutation({
    mutationFn: () => testNotification(notification.id),
    onSuccess: ({ outcomes }) => {
      for (const { channel, sent, error } of outcomes) tell(sent ? `A test message went to ${channel}.` : `${channel} took no test message. ${error ?? ''}`, !sent)
    },
    onError: tellError('No test message was sent.'),
  })
  if (!mayChange) return null
  return (
    <Menu.Item leftSection={<Send size={14} />} onClick={() => test.mutate()} disabled={test.isPending}>
      Send a test
    </Menu.Item>
  )
}

export function Notifications() {
  const pages = useInfiniteQuery(notificationPages(useNamespace()))
  const [edited, setEdited] = useState<Notification | 'new'>()
  const [looked, setLooked] = useState<Notification>()
  const columns = useMemo(() => columnsWith(setEdited, setLooked), [])
  const mayChange = useMay('update', 'notifications')
  const add = mayChange && (
    <Button leftSection={<Plus size={15} />} onClick={() => setEdited('new')}>
      New notification
    </Button>
  )
  return (
    <PageFrame title="Notifications" fill actions={add}>
      <DeclaredList
        pages={pages}
        columns={columns}
        words={['notification', 'notifications']}
        textOf={(each) => `${each.name} ${each.spec.states.join(' ')} ${each.spec.channels.join(' ')}`}
        empty={
          <EmptyState icon={Bell} title="Nobody is told of anything yet">
            <p>A notification tells people when runs enter certain states, over a block that reaches them. Make one here, or declare it:</p>
            <Snippet what="manifest" text={MANIFEST} />
          </EmptyState>
        }
      />
      {looked !== undefined && <Deliveries notification={looked} onClose={() => setLooked(undefined)} />}
      {edited !== undefined && (
        <Suspense>
          <NotificationForm notification={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />
        </Suspense>
      )}
    </PageFrame>
  )
}
