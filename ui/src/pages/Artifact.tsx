/** One artifact, and the versions of it that runs have made. */
import { Button } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'

import { ARTIFACTS, artifactPages, artifactQuery, deleteArtifact } from '../api/artifacts'
import { useMay } from '../api/session'
import type { Artifact as Read } from '../api/types'
import { ArtifactView } from '../components/ArtifactView'
import { tell, tellError } from '../components/cancelling'
import { Confirm } from '../components/Confirm'
import { Id } from '../components/Copy'
import { Facts } from '../components/Facts'
import { ErrorState, RowsSkeleton } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { RelativeTime } from '../components/Times'
import { formatBytes } from '../lib/times'
import classes from './Artifact.module.css'

const route = getRouteApi('/artifacts/$id')
const ABOVE = [{ label: 'Artifacts', to: '/artifacts' as const }]

export function Artifact() {
  const { id } = route.useParams()
  const found = useQuery(artifactQuery(id))
  if (found.isPending) return <RowsSkeleton />
  if (found.isError) return <ErrorState error={found.error} retry={() => void found.refetch()} />
  return <Shown artifact={found.data} />
}

function Shown({ artifact }: { artifact: Read }) {
  const title = artifact.key ?? artifact.description ?? artifact.type
  return (
    <PageFrame title={title} above={ABOVE} actions={<Delete artifact={artifact} />}>
      <section className="card" style={{ padding: '16px 18px' }} aria-label="Summary">
        <Facts
          facts={[
            artifact.description != null && artifact.description !== title && { label: 'What it is', value: <span className="wrap">{artifact.description}</span> },
            artifact.flow_run_id != null && {
              label: 'Made by',
              value: (
                <Link to="/flow-runs/$id" params={{ id: artifact.flow_run_id }} className="plain">
                  {artifact.flow_run_name ?? artifact.flow_run_id}
                </Link>
              ),
            },
            artifact.task_run_id != null && {
              label: 'In the task run',
              value: (
                <Link to="/task-runs/$id" params={{ id: artifact.task_run_id }} className="plain">
                  {artifact.task_run_name ?? artifact.task_run_id}
                </Link>
              ),
            },
            { label: 'Made', value: <RelativeTime time={artifact.created} /> },
            artifact.updated !== artifact.created && { label: 'Changed', value: <RelativeTime time={artifact.updated} /> },
            { label: 'Size', value: formatBytes(artifact.size) },
            { label: 'Id', value: <Id value={artifact.id} /> },
          ]}
        />
      </section>
      <div className={classes.halves} data-alone={artifact.key == null || undefined}>
        <section className={`card ${classes.shown}`} aria-label="Artifact">
          <ArtifactView artifact={artifact} />
        </section>
        {artifact.key != null && <Versions artifact={artifact} artifactKey={artifact.key} />}
      </div>
    </PageFrame>
  )
}

function Versions({ artifact, artifactKey }: { artifact: Read; artifactKey: string }) {
  const pages = useInfiniteQuery(artifactPages({ namespace: [artifact.namespace], key: artifactKey }))
  const items = pages.data?.pages.flatMap((page) => page.items) ?? []
  const total = pages.data?.pages[0]?.total
  return (
    <section className={`card ${classes.versions}`} aria-label="Versions">
      <h2>
        Versions <span className="muted numbers">{total?.toLocaleString('en')}</span>
      </h2>
      <ol>
        {items.map((each) => (
          <li key={each.id}>
            <Link to="/artifacts/$id" params={{ id: each.id }} className={classes.version} aria-current={each.id === artifact.id ? 'page' : undefined}>
              <span className="cut">{each.flow_run_name ?? 'Outside a run'}</span>
              <span className="muted">
                <RelativeTime time={each.created} />
              </span>
            </Link>
          </li>
        ))}
      </ol>
      {pages.hasNextPage && (
        <Button size="compact-sm" variant="subtle" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          Show older
        </Button>
      )}
    </section>
  )
}

function Delete({ artifact }: { artifact: Read }) {
  const [asked, setAsked] = useState(false)
  const queries = useQueryClient()
  const navigate = route.useNavigate()
  const mayDelete = useMay('delete', 'flowruns', artifact.namespace)
  const remove = useMutation({
    mutationFn: () => deleteArtifact(artifact.id),
    onSuccess: () => {
      tell('The artifact was deleted.')
      void queries.invalidateQueries({ queryKey: [ARTIFACTS, 'pages'] })
      void navigate({ to: '/artifacts' })
    },
    onError: tellError('The artifact was not deleted.'),
  })
  if (!mayDelete) return null
  return (
    <>
      <Button variant="default" leftSection={<Trash2 size={15} />} loading={remove.isPending} onClick={() => setAsked(true)}>
        Delete
      </Button>
      {asked && <Confirm title="Delete this artifact?" text="Other versions of it stay. It cannot be brought back." button="Delete" onConfirm={() => remove.mutate()} onClose={() => setAsked(false)} />}
    </>
  )
}
