/** Automations: what is done when runs enter certain states, or do not in time; in words. */
import { Button, Menu, Switch } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Bot, History, Pause, Play, Plus } from 'lucide-react'
import { lazy, Suspense, useCallback, useMemo, useState } from 'react'

import { automationPages, declaredKeys, putAutomation } from '../api/declared'
import { useMay } from '../api/session'
import type { Automation } from '../api/types'
import { tell, tellError } from '../components/cancelling'
import { Snippet } from '../components/Copy'
import { DeclaredList } from '../components/DeclaredList'
import { Firings } from '../components/Firings'
import { ItemMenu } from '../components/ItemMenu'
import { useNamespace } from '../components/namespaces'
import { EmptyState } from '../components/Notices'
import { Outcome } from '../components/Outcome'
import { PageFrame } from '../components/PageFrame'
import { RelativeTime } from '../components/Times'
import type { Column } from '../components/VirtualTable'
import { actionsWords, capital, triggerWords } from '../lib/automations'
import classes from './Automations.module.css'
import { part } from '../lib/loading'

const COMMAND = `towpath automation create hung --state RUNNING \\
  --expect COMPLETED --within 2h --cancel`
const MANIFEST = `apiVersion: towpath.dev/v1alpha1
kind: Automation
metadata:
  name: hung
spec:
  trigger:
    states: [RUNNING]
    expect: [COMPLETED]
    within: 2h
  actions:
  - cancelRun: {}
  - notify:
      channels: [slack-webhook/team]`

const AutomationForm = lazy(() => part(import('../components/AutomationForm')).then((module) => ({ default: module.AutomationForm })))

export function Automations() {
  const pages = useInfiniteQuery(automationPages(useNamespace()))
  const [edited, setEdited] = useState<Automation | 'new'>()
  const { shown } = useSearch({ from: '/automations' })
  const navigate = useNavigate({ from: '/automations' })
  const look = useCallback((id?: string) => void navigate({ search: (before) => ({ ...before, shown: id }), replace: id === undefined }), [navigate])
  const columns = useMemo(() => columnsWith(setEdited, look), [look])
  const looked = pages.data?.pages.flatMap((page) => page.items).find((each) => each.id === shown)
  const mayChange = useMay('update', 'automations')
  const add = mayChange && (
    <Button leftSection={<Plus size={15} />} onClick={() => setEdited('new')}>
      New automation
    </Button>
  )
  return (
    <PageFrame title="Automations" fill actions={add}>
      <DeclaredList
        pages={pages}
        columns={columns}
        words={['automation', 'automations']}
        textOf={(each) => `${each.name} ${triggerWords(each.spec)} ${actionsWords(each.spec)}`}
        height={68}
        empty={
          <EmptyState icon={Bot} title="Nothing is done by itself yet">
            <p>An automation acts when runs enter certain states, or do not in time: it tells people, runs a deployment, pauses a queue, cancels the run.</p>
            <p>{mayChange ? 'Make one here, from a terminal, or declare it:' : 'One is made from a terminal, or declared:'}</p>
            <Snippet text={COMMAND} />
            <Snippet what="manifest" text={MANIFEST} />
          </EmptyState>
        }
      />
      {looked !== undefined && <Firings automation={looked} onClose={() => look()} />}
      {edited !== undefined && (
        <Suspense>
          <AutomationForm automation={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />
        </Suspense>
      )}
    </PageFrame>
  )
}

const columnsWith = (edit: (automation: Automation) => void, look: (id: string) => void): readonly Column<Automation>[] => [
  {
    head: 'Automation',
    width: 'minmax(96px, 1fr)',
    cell: (each) => (
      <>
        <Link to="/automations" search={(before) => ({ ...before, shown: each.id })} className={`plain ${classes.sentence} ${classes.name}`} title={each.name}>
          {each.name}
        </Link>
        {each.spec.paused && <span className={classes.paused}>paused</span>}
      </>
    ),
  },
  { head: 'When', width: 'minmax(120px, 2fr)', cell: (each) => <Sentence text={capital(triggerWords(each.spec))} /> },
  { head: 'Then', width: 'minmax(120px, 1.6fr)', from: 640, cell: (each) => <Sentence text={capital(actionsWords(each.spec))} /> },
  { head: 'Waiting', width: '64px', number: true, from: 900, cell: (each) => (each.waiting > 0 ? each.waiting.toLocaleString('en') : <span className="muted">–</span>) },
  { head: 'Last outcome', width: '104px', from: 640, cell: (each) => <LastOutcome automation={each} /> },
  { head: 'Last fired', width: '96px', number: true, from: 640, cell: (each) => <RelativeTime time={each.last_fired} /> },
  { head: 'On', width: '38px', from: 640, cell: (each) => <OnSwitch automation={each} /> },
  {
    head: '\u00a0',
    width: '30px',
    number: true,
    cell: (each) => (
      <ItemMenu kind="automations" manifestKind="Automation" item={each} onEdit={() => edit(each)}>
        <PauseItem automation={each} />
        <Menu.Item leftSection={<History size={14} />} onClick={() => look(each.id)}>
          What it did
        </Menu.Item>
      </ItemMenu>
    ),
  },
]

const Sentence = ({ text }: { text: string }) => (
  <span className={classes.sentence} title={text}>
    {text}
  </span>
)

/** Of the last time that it acted: an error stays until it works again. */
function LastOutcome({ automation: { last_error: error, last_fired: fired } }: { automation: Automation }) {
  if (error != null) return <Outcome outcome="failed" label="Failed" title={error} />
  if (fired == null) return <span className="muted">–</span>
  return <Outcome outcome="done" />
}

function usePause() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ namespace, name, spec }: Automation) => putAutomation(namespace, name, { ...spec, paused: !spec.paused }),
    onSuccess: ({ name, spec }) => {
      tell(spec.paused ? `The automation ${name} is paused: states that are entered meanwhile are not followed.` : `The automation ${name} goes on.`)
      void queries.invalidateQueries({ queryKey: declaredKeys.automations })
    },
    onError: tellError('The automation was not changed.'),
  })
}

function OnSwitch({ automation }: { automation: Automation }) {
  const pause = usePause()
  const mayChange = useMay('update', 'automations', automation.namespace)
  return <Switch size="sm" aria-label={`${automation.name} is on`} checked={!automation.spec.paused} disabled={!mayChange} onChange={() => pause.mutate(automation)} />
}

function PauseItem({ automation }: { automation: Automation }) {
  const pause = usePause()
  if (!useMay('update', 'automations', automation.namespace)) return null
  const { paused } = automation.spec
  return (
    <Menu.Item leftSection={paused ? <Play size={14} /> : <Pause size={14} />} onClick={() => pause.mutate(automation)}>
      {paused ? 'Resume' : 'Pause'}
    </Menu.Item>
  )
}
