/** One flow: where its code is, its deployments, its runs. */
import { Tabs } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Activity, Braces } from 'lucide-react'

import { deploymentPages, flowQuery } from '../api/declared'
import { Id } from '../components/Copy'
import { Facts } from '../components/Facts'
import { Json } from '../components/Json'
import { EmptyState, ErrorState, RowsSkeleton } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { RunList } from '../components/RunList'
import { RelativeTime } from '../components/Times'
import { DeploymentList } from './Deployments'

const route = getRouteApi('/flows/$id')

export function Flow() {
  const { id } = route.useParams()
  const { tab = 'runs' } = route.useSearch()
  const navigate = route.useNavigate()
  const flow = useQuery(flowQuery(id))
  const deployments = useInfiniteQuery(deploymentPages())
  if (flow.isPending) return <RowsSkeleton />
  if (flow.isError) return <ErrorState error={flow.error} retry={() => void flow.refetch()} />
  const { data } = flow
  return (
    <PageFrame title={data.name} above={[{ label: 'Flows', to: '/flows' }]} fill>
      <section className="card" style={{ padding: '16px 18px', flex: 'none' }} aria-label="Summary">
        <Facts
          facts={[
            { label: 'Entrypoint', value: data.spec == null ? 'Not declared: its runs told of it' : <Id value={data.spec.entrypoint} what="entrypoint" /> },
            data.spec?.image != null && { label: 'Image', value: <Id value={data.spec.image} what="image" /> },
            { label: 'Namespace', value: data.namespace },
            { label: 'Last run', value: <RelativeTime time={data.last_run} none="Never" /> },
            { label: 'Id', value: <Id value={data.id} /> },
          ]}
        />
      </section>
      <Tabs value={tab} onChange={(value) => void navigate({ search: { tab: value ?? 'runs' }, replace: true })} keepMounted={false} className="tabs-fill">
        <Tabs.List mb={12}>
          <Tabs.Tab value="runs">Runs</Tabs.Tab>
          <Tabs.Tab value="deployments">
            Deployments {data.deployments > 0 && <span className="muted numbers">{data.deployments}</span>}
          </Tabs.Tab>
          <Tabs.Tab value="parameters">Parameters</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="runs">
          <RunList
            query={{ flow: [data.id] }}
            empty={
              <EmptyState icon={Activity} title="This flow has not run yet">
                <p>Run it from one of its deployments, or as a script with this server’s address set.</p>
              </EmptyState>
            }
          />
        </Tabs.Panel>
        <Tabs.Panel value="deployments">
          <DeploymentList pages={deployments} flowId={data.id} />
        </Tabs.Panel>
        <Tabs.Panel value="parameters">
          {data.spec?.parameterSchema == null ? (
            <div className="card">
              <EmptyState icon={Braces} title="It declares no parameter schema">
                <p>With spec.parameterSchema, parameters are checked before a run is made, and the form to start a run has a field for each.</p>
              </EmptyState>
            </div>
          ) : (
            <Json value={data.spec.parameterSchema} what="parameter schema" />
          )}
        </Tabs.Panel>
      </Tabs>
    </PageFrame>
  )
}
