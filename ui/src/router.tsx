/** Every page and its address. Pages load when they are first visited. */
import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  retainSearchParams,
  type SearchSchemaInput,
} from '@tanstack/react-router'

import { flowRunPages, flowRunQuery } from './api/flowRuns'
import type { Artifact } from './api/types'
import { ErrorState, RowsSkeleton } from './components/Notices'
import { NotFound } from './components/NotFound'
import { Shell } from './components/Shell'
import { type FlowRunSearch, readFlowRunSearch, toQuery } from './lib/filters'
import { part } from './lib/loading'
import { parseSearch, readList, readText, stringifySearch } from './lib/search'

interface Context {
  queries: QueryClient
}

type Given<T> = Partial<T> & SearchSchemaInput

export interface EverySearch {
  /** The namespaces that are looked at; all that the person may see if left out. */
  namespace?: string[]
}

const root = createRootRouteWithContext<Context>()({
  component: Shell,
  notFoundComponent: NotFound,
  validateSearch: (search: Given<EverySearch>): EverySearch => {
    const namespace = readList(search.namespace)
    return namespace === undefined ? {} : { namespace }
  },
  search: { middlewares: [retainSearchParams(['namespace'])] },
})

const dashboard = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: (search: Given<FlowRunSearch>): FlowRunSearch => readFlowRunSearch(search as Record<string, unknown>),
  component: lazyRouteComponent(() => part(import('./pages/Dashboard')), 'Dashboard'),
})

const flowRuns = createRoute({
  getParentRoute: () => root,
  path: '/flow-runs',
  validateSearch: (search: Given<FlowRunSearch>): FlowRunSearch => readFlowRunSearch(search as Record<string, unknown>),
  loaderDeps: ({ search }) => search,
  // Asked for while the page's code is still coming.
  loader: ({ context, deps }) => void context.queries.prefetchInfiniteQuery(flowRunPages(toQuery(deps, Date.now()))),
  component: lazyRouteComponent(() => part(import('./pages/FlowRuns')), 'FlowRuns'),
})

export interface TabSearch {
  tab?: string
}
const readTab = (search: Given<TabSearch>): TabSearch => {
  const tab = readText(search.tab)
  return tab === undefined ? {} : { tab }
}

const flowRun = createRoute({
  getParentRoute: () => root,
  path: '/flow-runs/$id',
  validateSearch: readTab,
  loader: ({ context, params }) => void context.queries.prefetchQuery(flowRunQuery(params.id)),
  component: lazyRouteComponent(() => part(import('./pages/FlowRun')), 'FlowRun'),
})

const taskRun = createRoute({
  getParentRoute: () => root,
  path: '/task-runs/$id',
  validateSearch: readTab,
  component: lazyRouteComponent(() => part(import('./pages/TaskRun')), 'TaskRun'),
})

const flows = createRoute({
  getParentRoute: () => root,
  path: '/flows',
  component: lazyRouteComponent(() => part(import('./pages/Flows')), 'Flows'),
})

const flow = createRoute({
  getParentRoute: () => root,
  path: '/flows/$id',
  validateSearch: readTab,
  component: lazyRouteComponent(() => part(import('./pages/Flow')), 'Flow'),
})

const deployments = createRoute({
  getParentRoute: () => root,
  path: '/deployments',
  component: lazyRouteComponent(() => part(import('./pages/Deployments')), 'Deployments'),
})

export interface CalendarSearch {
  /** The month that is shown, as `2026-03`; this one if left out. */
  month?: string
  deployment?: string[]
}

const calendar = createRoute({
  getParentRoute: () => root,
  path: '/calendar',
  validateSearch: (search: Given<CalendarSearch>): CalendarSearch => {
    const month = readText(search.month)
    const deployment = readList(search.deployment)
    return { ...(month !== undefined && /^20\d\d-(0[1-9]|1[0-2])$/.test(month) && { month }), ...(deployment !== undefined && { deployment }) }
  },
  component: lazyRouteComponent(() => part(import('./pages/Calendar')), 'Calendar'),
})

const deployment = createRoute({
  getParentRoute: () => root,
  path: '/deployments/$id',
  validateSearch: readTab,
  component: lazyRouteComponent(() => part(import('./pages/Deployment')), 'Deployment'),
})

const workQueues = createRoute({
  getParentRoute: () => root,
  path: '/work-queues',
  component: lazyRouteComponent(() => part(import('./pages/WorkQueues')), 'WorkQueues'),
})

const concurrencyLimits = createRoute({
  getParentRoute: () => root,
  path: '/concurrency-limits',
  component: lazyRouteComponent(() => part(import('./pages/ConcurrencyLimits')), 'ConcurrencyLimits'),
})

const ARTIFACT_TYPES: readonly Artifact['type'][] = ['markdown', 'table', 'link', 'image', 'progress']

export interface ArtifactSearch {
  type?: Artifact['type']
}

const artifacts = createRoute({
  getParentRoute: () => root,
  path: '/artifacts',
  validateSearch: (search: Given<ArtifactSearch>): ArtifactSearch => {
    const type = ARTIFACT_TYPES.find((each) => each === readText(search.type))
    return type === undefined ? {} : { type }
  },
  component: lazyRouteComponent(() => part(import('./pages/Artifacts')), 'Artifacts'),
})

const artifact = createRoute({
  getParentRoute: () => root,
  path: '/artifacts/$id',
  component: lazyRouteComponent(() => part(import('./pages/Artifact')), 'Artifact'),
})

const blocks = createRoute({
  getParentRoute: () => root,
  path: '/blocks',
  validateSearch: readTab,
  component: lazyRouteComponent(() => part(import('./pages/Blocks')), 'Blocks'),
})

const notifications = createRoute({
  getParentRoute: () => root,
  path: '/notifications',
  component: lazyRouteComponent(() => part(import('./pages/Notifications')), 'Notifications'),
})

export interface AutomationsSearch {
  /** The automation whose doings are shown. */
  shown?: string
}

const automations = createRoute({
  getParentRoute: () => root,
  path: '/automations',
  validateSearch: (search: Given<AutomationsSearch>): AutomationsSearch => {
    const shown = readText(search.shown)
    return shown === undefined ? {} : { shown }
  },
  component: lazyRouteComponent(() => part(import('./pages/Automations')), 'Automations'),
})

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: lazyRouteComponent(() => part(import('./pages/Settings')), 'Settings'),
})

const tree = root.addChildren([
  dashboard,
  flowRuns,
  flowRun,
  taskRun,
  flows,
  flow,
  deployments,
  deployment,
  calendar,
  artifacts,
  artifact,
  workQueues,
  blocks,
  notifications,
  automations,
  concurrencyLimits,
  settings,
])

export function createAppRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queries },
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
    defaultPendingComponent: () => <RowsSkeleton />,
    defaultErrorComponent: ({ error, reset }) => <ErrorState error={error} retry={reset} />,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>
  }
}
