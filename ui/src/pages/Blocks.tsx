/** Blocks: named settings and credentials that flows load. Their secrets are never shown. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { Blocks as BlocksIcon } from 'lucide-react'

import { blockPages } from '../api/declared'
import type { Block } from '../api/types'
import { Snippet } from '../components/Copy'
import { DeclaredList } from '../components/DeclaredList'
import { ItemMenu } from '../components/ItemMenu'
import { useNamespace } from '../components/namespaces'
import { EmptyState } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { RelativeTime } from '../components/Times'
import type { Column } from '../components/VirtualTable'

const MANIFEST = `apiVersion: towpath.dev/v1alpha1
kind: Block
metadata:
  name: github.dev
spec:
  type: github
  config:
    repository: https://github.com/example/flows.git`

const COLUMNS: readonly Column<Block>[] = [
  {
    head: 'Block',
    width: 'minmax(110px, 1.4fr)',
    cell: (each) => (
      <span title={`${each.spec.type}/${each.name}`}>
        {each.spec.type}/<strong>{each.name}</strong>
      </span>
    ),
  },
  { head: 'Secrets', width: 'minmax(80px, 1fr)', from: 640, cell: (each) => each.spec.secretRefs.map((ref) => ref.field).join(', ') || <span className="muted">–</span> },
  { head: 'Namespace', width: 'minmax(80px, 0.6fr)', from: 900, cell: (each) => each.namespace },
  { head: 'Changed', width: '100px', number: true, from: 640, cell: (each) => <RelativeTime time={each.updated} /> },
  { head: '\u00a0', width: '40px', number: true, cell: (each) => <ItemMenu kind="blocks" manifestKind="Block" resourceName={`${each.spec.type}.${each.name}`} item={each} /> },
]

export function Blocks() {
  const pages = useInfiniteQuery(blockPages(useNamespace()))
  return (
    <PageFrame title="Blocks" fill>
      <DeclaredList
        pages={pages}
        columns={COLUMNS}
        words={['block', 'blocks']}
        textOf={(each) => `${each.name} ${each.spec.type} ${each.namespace}`}
        empty={
          <EmptyState icon={BlocksIcon} title="No block yet">
            <p>A block holds what flows need to reach something else: a repository, a bucket, a channel. Apply one as this:</p>
            <Snippet what="manifest" text={MANIFEST} />
          </EmptyState>
        }
      />
    </PageFrame>
  )
}
