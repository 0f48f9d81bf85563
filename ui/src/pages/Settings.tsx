/** The server: version, health, and how to reach it. */
import { Button, SegmentedControl, useMantineColorScheme } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { CircleCheck, CircleX } from 'lucide-react'

import { SIGNED_OUT } from '../api/client'
import { useConnection } from '../api/live'
import { healthQuery, serverQuery, versionQuery } from '../api/server'
import { endSession, sessionQuery } from '../api/session'
import { tellError } from '../components/cancelling'
import { Id, Snippet } from '../components/Copy'
import { Facts } from '../components/Facts'
import { PageFrame } from '../components/PageFrame'
import { RelativeTime } from '../components/Times'
import { formatBytes } from '../lib/times'

const CONNECTIONS = {
  live: 'Told of changes as they happen',
  polling: 'Asks every few seconds: you may not wait for changes of all runs',
  lost: 'None: the server does not answer',
}

const HOW = { token: 'a token', cookie: 'a token, kept by this browser', proxy: 'a trusted proxy', local: 'being on this machine' }

/** Who the server takes the person for, and the way out. */
function Person() {
  const session = useQuery(sessionQuery)
  const queries = useQueryClient()
  const leave = useMutation({
    mutationFn: endSession,
    onSuccess: () => {
      queries.clear()
      window.dispatchEvent(new Event(SIGNED_OUT))
    },
    onError: tellError('You are still signed in.'),
  })
  if (session.data === undefined || session.data.how === 'local') return null
  const { user, groups, how, expires } = session.data
  return (
    <section className="card" style={{ padding: '16px 18px' }} aria-label="You">
      <Facts
        facts={[
          { label: 'You are', value: <Id value={user} what="name of the user" /> },
          { label: 'Known by', value: HOW[how] },
          groups.length > 0 && { label: 'Groups', value: groups.join(', ') },
          expires != null && { label: 'Session ends', value: <RelativeTime time={expires} /> },
        ]}
      />
      {how === 'cookie' && (
        <Button mt={14} variant="default" loading={leave.isPending} onClick={() => leave.mutate()}>
          Sign out
        </Button>
      )}
    </section>
  )
}

const DATABASES = { sqlite: 'SQLite', postgresql: 'PostgreSQL' }

const keptFor = (days: number | null | undefined) => (days == null ? 'For ever' : days === 1 ? 'For one day' : `For ${days} days`)

export function Settings() {
  const version = useQuery(versionQuery)
  const health = useQuery(healthQuery)
  const server = useQuery(serverQuery)
  const facts = server.data
  const connection = useConnection()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const api = `${window.location.origin}/api`
  return (
    <PageFrame title="Settings">
      <section className="card" style={{ padding: '16px 18px' }} aria-label="Server">
        <Facts
          facts={[
            { label: 'Version', value: version.data?.version ?? '–' },
            {
              label: 'Database',
              value: health.isPending ? (
                '…'
              ) : health.isSuccess ? (
                <span style={{ display: 'inline-flex', gap: 6, alignItems: 'center' }}>
                  <CircleCheck size={16} color="var(--state-completed)" aria-hidden /> {facts === undefined ? 'Answers' : `${DATABASES[facts.database.kind]}, answers`}
                </span>
              ) : (
                <span style={{ display: 'inline-flex', gap: 6, alignItems: 'center' }}>
                  <CircleX size={16} color="var(--state-failed)" aria-hidden /> {health.error?.message}
                </span>
              ),
            },
            facts?.database.size_bytes != null && { label: 'Size of the database', value: formatBytes(facts.database.size_bytes) },
            facts?.database.revision != null && { label: 'Schema', value: facts.database.revision },
            facts !== undefined && { label: 'Runs are kept', value: keptFor(facts.retention.runs_days) },
            facts !== undefined && { label: 'Logs are kept', value: keptFor(facts.retention.logs_days) },
            facts !== undefined && { label: 'Where it runs', value: facts.mode === 'cluster' ? 'In a Kubernetes cluster' : 'On this machine' },
            facts !== undefined && { label: 'Started', value: <RelativeTime time={facts.started} /> },
            { label: 'This page', value: CONNECTIONS[connection] },
            { label: 'Events', value: version.data === undefined ? '–' : `Schema ${version.data.event_schema}` },
          ]}
        />
      </section>
      <Person />
      <section className="card" style={{ padding: '16px 18px' }} aria-label="Appearance">
        <h2 style={{ margin: '0 0 10px', fontSize: 15 }}>Colours</h2>
        <SegmentedControl
          aria-label="Colours"
          value={colorScheme}
          onChange={(value) => setColorScheme(value)}
          data={[
            { value: 'auto', label: 'As the system' },
            { value: 'light', label: 'Light' },
            { value: 'dark', label: 'Dark' },
          ]}
        />
      </section>
      <section className="card" style={{ padding: '16px 18px' }} aria-label="Use this server">
        <h2 style={{ margin: '0 0 4px', fontSize: 15 }}>Use this server</h2>
        <p className="muted" style={{ margin: '0 0 10px' }}>
          Flows that run where this is set are seen here:
        </p>
        <Snippet text={`towpath config set TOWPATH_API_URL=${api}`} />
      </section>
    </PageFrame>
  )
}
