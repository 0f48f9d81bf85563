/** What runs show to people: the newest of each key, and what has none. */
import { Select } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { FileText } from 'lucide-react'

import { artifactPages } from '../api/artifacts'
import type { Artifact } from '../api/types'
import { Snippet } from '../components/Copy'
import { DeclaredList } from '../components/DeclaredList'
import { useNamespace } from '../components/namespaces'
import { EmptyState } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { RelativeTime } from '../components/Times'
import type { Column } from '../components/VirtualTable'

const route = getRouteApi('/artifacts')
const ARTIFACT_TYPES: readonly { value: Artifact['type']; label: string }[] = [
  { value: 'markdown', label: 'Markdown' },
  { value: 'table', label: 'Table' },
  { value: 'link', label: 'Link' },
  { value: 'image', label: 'Picture' },
  { value: 'progress', label: 'Progress' },
]
const EXAMPLE = `from towpath import flow
from towpath.artifacts import create_table_artifact

@flow
def report():
    create_table_artifact([{"city": "Utrecht", "boats": 12}], key="boats")`

type Named = Artifact & { name: string }

const COLUMNS: readonly Column<Named>[] = [
  {
    head: 'Artifact',
    width: 'minmax(110px, 1.4fr)',
    cell: (each) => (
      <Link to="/artifacts/$id" params={{ id: each.id }} className="plain" title={each.name} style={{ fontWeight: 550 }}>
        {each.name}
      </Link>
    ),
  },
  { head: 'Type', width: '90px', cell: (each) => ARTIFACT_TYPES.find(({ value }) => value === each.type)?.label ?? each.type },
  { head: 'What it is', width: 'minmax(100px, 1.6fr)', from: 900, cell: (each) => each.description ?? <span className="muted">–</span> },
  {
    head: 'Made by',
    width: 'minmax(100px, 1fr)',
    from: 640,
    cell: (each) =>
      each.flow_run_id == null ? (
        <span className="muted">–</span>
      ) : (
        <Link to="/flow-runs/$id" params={{ id: each.flow_run_id }} className="plain">
          {each.flow_run_name ?? each.flow_run_id}
        </Link>
      ),
  },
  { head: 'Changed', width: '100px', number: true, cell: (each) => <RelativeTime time={each.updated} /> },
]

export function Artifacts() {
  const { type } = route.useSearch()
  const navigate = route.useNavigate()
  const pages = useInfiniteQuery({
    ...artifactPages({ namespace: useNamespace(), latest: true, type }),
    select: (data) => ({ ...data, pages: data.pages.map((page) => ({ ...page, items: page.items.map((item): Named => ({ ...item, name: item.key ?? item.description ?? item.type })) })) }),
  })
  const choose = (next: string | null) => void navigate({ search: { type: ARTIFACT_TYPES.find(({ value }) => value === next)?.value }, replace: true })
  return (
    <PageFrame title="Artifacts" fill actions={<Select aria-label="Type" w={150} allowDeselect={false} data={[{ value: '', label: 'All types' }, ...ARTIFACT_TYPES]} value={type ?? ''} onChange={choose} />}>
      <DeclaredList
        pages={pages}
        columns={COLUMNS}
        words={['artifact', 'artifacts']}
        textOf={(each) => `${each.name} ${each.description ?? ''} ${each.flow_run_name ?? ''}`}
        empty={
          <EmptyState icon={FileText} title={type === undefined ? 'No artifact yet' : 'No artifact of this type'}>
            <p>A flow shows people what it found as an artifact. Those with the same key are versions of one thing.</p>
            <Snippet what="example" text={EXAMPLE} />
          </EmptyState>
        }
      />
    </PageFrame>
  )
}
