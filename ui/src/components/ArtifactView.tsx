/** What an artifact holds, drawn by its type: Markdown, a table, a link, a picture, progress. */
import { Progress } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { ExternalLink } from 'lucide-react'
import { lazy, Suspense, useMemo } from 'react'

import { artifactQuery } from '../api/artifacts'
import type { Artifact } from '../api/types'
import { readAddress, readProgress, readTable } from '../lib/artifacts'
import classes from './ArtifactView.module.css'
import { Json } from './Json'
import { ErrorState, RowsSkeleton } from './Notices'
import { type Column, VirtualTable } from './VirtualTable'
import { part } from '../lib/loading'

const Markdown = lazy(() => part(import('./Markdown')).then((module) => ({ default: module.Markdown })))

/** Lists hold small data only: what is larger is asked for by itself. */
export function ArtifactView({ artifact }: { artifact: Artifact }) {
  const missing = artifact.data == null && artifact.size > 4
  const whole = useQuery({ ...artifactQuery(artifact.id), enabled: missing })
  if (missing && whole.isPending) return <RowsSkeleton rows={3} height={30} />
  if (missing && whole.isError) return <ErrorState error={whole.error} retry={() => void whole.refetch()} />
  return <Data artifact={missing && whole.data !== undefined ? whole.data : artifact} />
}

function Data({ artifact: { type, data, description } }: { artifact: Artifact }) {
  switch (type) {
    case 'markdown':
      return (
        <Suspense fallback={<RowsSkeleton rows={3} height={30} />}>
          <Markdown text={typeof data === 'string' ? data : JSON.stringify(data)} />
        </Suspense>
      )
    case 'table':
      return <Table data={data} />
    case 'link':
    case 'image':
      return <Address data={data} what={type === 'link' ? 'link' : 'picture'} />
    case 'progress': {
      const percent = readProgress(data)
      return (
        <div className={classes.progress}>
          <Progress value={percent} size="lg" aria-label={description ?? 'Progress'} />
          <span className="numbers">{percent.toFixed(percent % 1 === 0 ? 0 : 1)}%</span>
        </div>
      )
    }
    default:
      return <Json value={data} what="data" />
  }
}

function Table({ data }: { data: unknown }) {
  const table = useMemo(() => readTable(data), [data])
  const columns = useMemo<readonly Column<{ key: string; cells: string[] }>[]>(
    () =>
      (table?.columns ?? []).map((head, index) => ({
        head: head === '' ? '\u00a0'.repeat(index + 1) : head,
        width: 'minmax(110px, 1fr)',
        number: table?.numeric[index],
        cell: ({ cells }) => <span title={cells[index]}>{cells[index]}</span>,
      })),
    [table],
  )
  const rows = useMemo(() => (table?.rows ?? []).map((cells, index) => ({ key: String(index), cells })), [table])
  if (table === undefined) return <Json value={data} what="data" />
  return <VirtualTable label="Table" rows={rows} rowKey={(row) => row.key} columns={columns} height={34} maxHeight="min(60vh, 640px)" wide />
}

/** A picture of another host is not loaded: these pages ask nothing of any but their own server. */
function Address({ data, what }: { data: unknown; what: string }) {
  const address = readAddress(data)
  if (address === undefined) return <Json value={data} what={what} />
  return (
    <a href={address.url} target="_blank" rel="noopener noreferrer" className={`wrap ${classes.link}`}>
      {address.text} <ExternalLink size={14} aria-hidden />
    </a>
  )
}
