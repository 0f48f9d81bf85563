/** The server: version, health, and how to reach it. */
import { SegmentedControl, useMantineColorScheme } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleX } from 'lucide-react'

import { useConnection } from '../api/live'
import { healthQuery, serverQuery, versionQuery } from '../api/server'
import { Snippet } from '../components/Copy'
import { Facts } from '../components/Facts'
import { PageFrame } from '../components/PageFrame'
import { RelativeTime } from '../components/Times'
import { formatBytes } from '../lib/times'

const CONNECTIONS = {
  live: 'Told of changes as they happen',
  polling: 'Asks every few seconds: you may not wait for changes of all runs',
  lost: 'None: the server does not answer',
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
