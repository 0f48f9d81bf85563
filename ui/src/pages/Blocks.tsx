/** Blocks: named settings and credentials that flows load, and the catalogue of their types. Secrets are never shown. */
import { Button, Tabs } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Blocks as BlocksIcon, Plus } from 'lucide-react'
import { lazy, Suspense, useMemo, useState } from 'react'

import { blockTypePages } from '../api/blocks'
import { blockPages } from '../api/declared'
import { useMay } from '../api/session'
import type { Block, BlockType } from '../api/types'
import { BlockTypes } from '../components/BlockTypes'
import { Snippet } from '../components/Copy'
import { DeclaredList } from '../components/DeclaredList'
import { ItemMenu } from '../components/ItemMenu'
import { useNamespace } from '../components/namespaces'
import { EmptyState } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { RelativeTime } from '../components/Times'
import type { Column } from '../components/VirtualTable'
import { part } from '../lib/loading'

const BlockForm = lazy(() => part(import('../components/BlockForm')).then((module) => ({ default: module.BlockForm })))
const route = getRouteApi('/blocks')

const MANIFEST = `apiVersion: towpath.dev/v1alpha1
kind: Block
metadata:
  name: github.dev
spec:
  type: github
  config:
    repository: https://github.com/example/flows.git`

/** What is asked for in the form: a new block of a type, or a change of one. */
interface Edited {
  type: BlockType
  block?: Block
}

const columnsWith = (types: ReadonlyMap<string, BlockType>, edit: (block: Block) => void): readonly Column<Block>[] => [
  {
    head: 'Block',
    width: 'minmax(110px, 1.4fr)',
    cell: (each) => (
      <span title={`${each.spec.type}/${each.name}`}>
        {each.spec.type}/<strong>{each.name}</strong>
      </span>
    ),
  },
  { head: 'Type', width: 'minmax(80px, 0.8fr)', from: 900, cell: (each) => types.get(each.spec.type)?.name ?? <span className="muted">Not registered</span> },
  { head: 'Secrets', width: 'minmax(80px, 1fr)', from: 640, cell: (each) => each.spec.secretRefs.map((ref) => ref.field).join(', ') || <span className="muted">–</span> },
  { head: 'Namespace', width: 'minmax(80px, 0.6fr)', from: 900, cell: (each) => each.namespace },
  { head: 'Changed', width: '100px', number: true, from: 640, cell: (each) => <RelativeTime time={each.updated} /> },
  {
    head: '\u00a0',
    width: '40px',
    number: true,
    cell: (each) => (
      <ItemMenu kind="blocks" manifestKind="Block" resourceName={`${each.spec.type}.${each.name}`} item={each} onEdit={types.has(each.spec.type) ? () => edit(each) : undefined} />
    ),
  },
]

export function Blocks() {
  const { tab = 'blocks' } = route.useSearch()
  const navigate = route.useNavigate()
  const namespace = useNamespace()
  const pages = useInfiniteQuery(blockPages(namespace))
  const known = useInfiniteQuery(blockTypePages(namespace))
  const mayChange = useMay('update', 'blocks')
  const [edited, setEdited] = useState<Edited>()
  const types = useMemo(() => new Map(known.data?.pages.flatMap((page) => page.items).map((type) => [type.slug, type])), [known.data])
  const columns = useMemo(() => {
    const edit = (block: Block) => {
      const type = types.get(block.spec.type)
      if (type !== undefined) setEdited({ type, block })
    }
    return columnsWith(types, edit)
  }, [types])
  const show = (next: string | null) => void navigate({ search: next === 'types' ? { tab: 'types' } : {}, replace: true })
  const add = mayChange && tab !== 'types' && (
    <Button leftSection={<Plus size={15} />} onClick={() => show('types')}>
      New block
    </Button>
  )
  return (
    <PageFrame title="Blocks" fill actions={add}>
      <Tabs value={tab} onChange={show} keepMounted={false} className="tabs-fill">
        <Tabs.List mb={12}>
          <Tabs.Tab value="blocks">Blocks</Tabs.Tab>
          <Tabs.Tab value="types">Types</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="blocks">
          <DeclaredList
            pages={pages}
            columns={columns}
            words={['block', 'blocks']}
            textOf={(each) => `${each.name} ${each.spec.type} ${each.namespace}`}
            empty={
              <EmptyState icon={BlocksIcon} title="No block yet">
                <p>A block holds what flows need to reach something else: a repository, a bucket, a channel. Choose a type to make one, or declare it:</p>
                <Snippet what="manifest" text={MANIFEST} />
              </EmptyState>
            }
          />
        </Tabs.Panel>
        <Tabs.Panel value="types">
          <BlockTypes onPick={mayChange ? (type) => setEdited({ type }) : undefined} />
        </Tabs.Panel>
      </Tabs>
      {edited !== undefined && (
        <Suspense>
          <BlockForm
            type={edited.type}
            block={edited.block}
            onClose={() => setEdited(undefined)}
            onSaved={() => show('blocks')}
          />
        </Suspense>
      )}
    </PageFrame>
  )
}
