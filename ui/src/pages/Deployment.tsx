/** One deployment: what it runs, when, and its runs; to run it now or pause its schedules. */
import { Alert, Button, Tabs } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { Activity, Info, Pause, Play } from 'lucide-react'
import { useState } from 'react'

import { changeDeployment, declaredKeys, deploymentQuery } from '../api/declared'
import { useMay } from '../api/session'
import type { Deployment as Declared } from '../api/types'
import { tell, tellError } from '../components/cancelling'
import { Id, Snippet } from '../components/Copy'
import { Facts } from '../components/Facts'
import { Json } from '../components/Json'
import { EmptyState, ErrorState, RowsSkeleton } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { RunList } from '../components/RunList'
import { RunNow } from '../components/RunNow'
import { Schedules } from '../components/Schedules'
import { Tags } from '../components/Tags'
import { RelativeTime } from '../components/Times'
import { toManifest } from '../lib/manifests'

const route = getRouteApi('/deployments/$id')

export function Deployment() {
  const { id } = route.useParams()
  const found = useQuery(deploymentQuery(id))
  if (found.isPending) return <RowsSkeleton />
  if (found.isError) return <ErrorState error={found.error} retry={() => void found.refetch()} />
  return <Shown deployment={found.data} />
}

function Shown({ deployment }: { deployment: Declared }) {
  const { tab = 'runs' } = route.useSearch()
  const navigate = route.useNavigate()
  const { spec } = deployment
  return (
    <PageFrame title={deployment.name} above={[{ label: 'Deployments', to: '/deployments' }, { label: deployment.flow_name, to: `/flows/${deployment.flow_id}` as '/flows' }]} actions={<Actions deployment={deployment} />} fill>
      {deployment.resource != null && (
        <Alert variant="light" color="gray" icon={<Info size={17} />} py={8} style={{ flex: 'none' }}>
          It is the resource {deployment.resource.name} in the namespace {deployment.namespace}: what you change here is written to it.
        </Alert>
      )}
      <section className="card" style={{ padding: '16px 18px', flex: 'none' }} aria-label="Summary">
        <Facts
          facts={[
            {
              label: 'Flow',
              value: (
                <Link to="/flows/$id" params={{ id: deployment.flow_id }} className="plain">
                  {deployment.flow_name}
                </Link>
              ),
            },
            { label: 'Work queue', value: spec.workQueue },
            { label: 'Next run', value: <RelativeTime time={deployment.next_run} none={spec.schedules.length === 0 ? 'By hand only' : 'None'} /> },
            { label: 'Last run', value: <RelativeTime time={deployment.last_run} none="Never" /> },
            spec.concurrency != null && { label: 'At once', value: `${spec.concurrency.limit}, then ${spec.concurrency.overlap.toLowerCase()}` },
            spec.infraRetries > 0 && { label: 'Infrastructure retries', value: spec.infraRetries },
            spec.tags.length > 0 && { label: 'Tags', value: <Tags tags={spec.tags} shown={6} wrap /> },
            { label: 'Id', value: <Id value={deployment.id} /> },
          ]}
        />
      </section>
      <Tabs value={tab} onChange={(value) => void navigate({ search: { tab: value ?? 'runs' }, replace: true })} keepMounted={false} className="tabs-fill">
        <Tabs.List mb={12}>
          <Tabs.Tab value="runs">Runs</Tabs.Tab>
          <Tabs.Tab value="schedules">Schedules {spec.schedules.length > 0 && <span className="muted numbers">{spec.schedules.length}</span>}</Tabs.Tab>
          <Tabs.Tab value="parameters">Parameters</Tabs.Tab>
          <Tabs.Tab value="manifest">Manifest</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="runs">
          <RunList
            query={{ deployment: [deployment.id] }}
            empty={
              <EmptyState icon={Activity} title="It has not run yet">
                <p>Press “Run”, or ask for a run from a terminal:</p>
                <Snippet text={`towpath deployment run '${deployment.full_name}'`} />
              </EmptyState>
            }
          />
        </Tabs.Panel>
        <Tabs.Panel value="schedules">
          <Schedules deployment={deployment} />
        </Tabs.Panel>
        <Tabs.Panel value="parameters">
          <Json value={spec.parameters} what="parameters" />
        </Tabs.Panel>
        <Tabs.Panel value="manifest">
          <Snippet what="manifest" text={toManifest('Deployment', deployment.resource_name, deployment.namespace, spec)} />
        </Tabs.Panel>
      </Tabs>
    </PageFrame>
  )
}

function Actions({ deployment }: { deployment: Declared }) {
  const [running, setRunning] = useState(false)
  const queries = useQueryClient()
  const pause = useMutation({
    mutationFn: (paused: boolean) => changeDeployment(deployment, { paused }),
    onSuccess: (changed) => {
      tell(changed.spec.paused ? `The schedules of ${changed.full_name} are paused.` : `The schedules of ${changed.full_name} go on.`)
      void queries.invalidateQueries({ queryKey: declaredKeys.deployments })
    },
    onError: tellError('The schedules were not changed.'),
  })
  const { paused, schedules } = deployment.spec
  const mayChange = useMay('update', 'deployments', deployment.namespace)
  const mayStart = useMay('create', 'flowruns', deployment.namespace)
  return (
    <>
      {schedules.length > 0 && mayChange && (
        <Button variant="default" leftSection={paused ? <Play size={15} /> : <Pause size={15} />} loading={pause.isPending} onClick={() => pause.mutate(!paused)}>
          {paused ? 'Resume schedules' : 'Pause schedules'}
        </Button>
      )}
      {mayStart && (
        <Button leftSection={<Play size={15} />} onClick={() => setRunning(true)}>
          Run
        </Button>
      )}
      {running && <RunNow deployment={deployment} onClose={() => setRunning(false)} />}
    </>
  )
}
