/** Every flow that was declared or has run. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Workflow } from 'lucide-react'

import { flowPages } from '../api/declared'
import type { Flow } from '../api/types'
import { Snippet } from '../components/Copy'
import { DeclaredList } from '../components/DeclaredList'
import { useNamespace } from '../components/namespaces'
import { EmptyState } from '../components/Notices'
import { PageFrame } from '../components/PageFrame'
import { RelativeTime } from '../components/Times'
import type { Column } from '../components/VirtualTable'

const MANIFEST = `apiVersion: towpath.dev/v1alpha1
kind: Flow
metadata:
  name: hello
spec:
  entrypoint: flows/hello.py:hello
  image: registry.example.com/flows:1.0`

const COLUMNS: readonly Column<Flow>[] = [
  {
    head: 'Flow',
    width: 'minmax(120px, 1.4fr)',
    cell: (flow) => (
      <Link to="/flows/$id" params={{ id: flow.id }} className="plain" title={flow.name} style={{ fontWeight: 550 }}>
        {flow.name}
      </Link>
    ),
  },
  { head: 'Entrypoint', width: 'minmax(140px, 2fr)', from: 640, cell: (flow) => (flow.spec == null ? <span className="muted">Not declared: its runs told of it</span> : <span className="mono muted">{flow.spec.entrypoint}</span>) },
  { head: 'Namespace', width: 'minmax(80px, 0.6fr)', from: 900, cell: (flow) => flow.namespace },
  { head: 'Deployments', width: '96px', number: true, from: 640, cell: (flow) => flow.deployments },
  { head: 'Last run', width: '104px', number: true, cell: (flow) => <RelativeTime time={flow.last_run} /> },
]

export function Flows() {
  const pages = useInfiniteQuery(flowPages(useNamespace()))
  return (
    <PageFrame title="Flows" fill>
      <DeclaredList
        pages={pages}
        columns={COLUMNS}
        words={['flow', 'flows']}
        textOf={(flow) => `${flow.name} ${flow.spec?.entrypoint ?? ''} ${flow.namespace}`}
        empty={
          <EmptyState icon={Workflow} title="No flow yet">
            <p>A flow appears when it first runs, or when it is declared. In a cluster, apply a manifest as this one:</p>
            <Snippet what="manifest" text={MANIFEST} />
          </EmptyState>
        }
      />
    </PageFrame>
  )
}
