/** The artifacts of one run, each drawn where it can be. */
import { Button } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { FileText } from 'lucide-react'

import { type ArtifactQuery, artifactPages } from '../api/artifacts'
import { usePolling } from '../api/live'
import { ArtifactView } from './ArtifactView'
import { Snippet } from './Copy'
import { EmptyState, ErrorState, RowsSkeleton } from './Notices'
import classes from './RunArtifacts.module.css'
import { RelativeTime } from './Times'

const EXAMPLE = `from towpath.artifacts import create_markdown_artifact

create_markdown_artifact("# It went well", key="report")`

export function RunArtifacts({ query, live }: { query: ArtifactQuery; live: boolean }) {
  const pages = useInfiniteQuery({ ...artifactPages(query), refetchInterval: usePolling(3_000, live) })
  if (pages.isPending) return <RowsSkeleton rows={3} />
  if (pages.isError) return <ErrorState error={pages.error} retry={() => void pages.refetch()} />
  const items = pages.data.pages.flatMap((page) => page.items)
  if (items.length === 0) {
    return (
      <div className="card">
        <EmptyState icon={FileText} title="It has shown nothing yet">
          <p>A flow shows people what it found as an artifact: Markdown, a table, a link, progress.</p>
          <Snippet what="example" text={EXAMPLE} />
        </EmptyState>
      </div>
    )
  }
  return (
    <div className={classes.artifacts}>
      {items.map((artifact) => (
        <section key={artifact.id} className={`card ${classes.artifact}`} aria-label={artifact.key ?? artifact.type}>
          <div className={classes.head}>
            <Link to="/artifacts/$id" params={{ id: artifact.id }} className="plain cut">
              <strong>{artifact.key ?? artifact.description ?? artifact.type}</strong>
            </Link>
            <span className="muted cut">
              {artifact.task_run_name != null && `${artifact.task_run_name} · `}
              <RelativeTime time={artifact.updated} />
            </span>
          </div>
          {artifact.key != null && artifact.description != null && <p className="muted wrap">{artifact.description}</p>}
          <ArtifactView artifact={artifact} />
        </section>
      ))}
      {pages.hasNextPage && (
        <Button variant="default" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          Show more
        </Button>
      )}
    </div>
  )
}
