/** What stays around every page: the sidebar, the top bar on small screens, sign-in, the command palette. */
import { ActionIcon, Burger, Kbd, Tooltip, UnstyledButton, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { Activity, Bell, Blocks, Bot, CalendarDays, Cog, FileText, Gauge, Layers, LayoutDashboard, Moon, Rocket, Search, Sun, Workflow } from 'lucide-react'
import { lazy, Suspense, useEffect, useState } from 'react'

import { SIGNED_OUT } from '../api/client'
import { useConnection, useFollowedNamespace } from '../api/live'
import { versionQuery } from '../api/server'
import { allows, sessionQuery } from '../api/session'
import { Logo } from './Logo'
import { NamespacePicker, useNamespace } from './namespaces'
import classes from './Shell.module.css'
import { SignIn } from './SignIn'
import { part } from '../lib/loading'

const CommandPalette = lazy(() => part(import('./CommandPalette')).then((module) => ({ default: module.CommandPalette })))

export const PAGES = [
  { to: '/', label: 'Dashboard', icon: LayoutDashboard, resource: undefined },
  { to: '/flow-runs', label: 'Flow Runs', icon: Activity, resource: 'flowruns' },
  { to: '/flows', label: 'Flows', icon: Workflow, resource: 'flows' },
  { to: '/deployments', label: 'Deployments', icon: Rocket, resource: 'deployments' },
  { to: '/calendar', label: 'Calendar', icon: CalendarDays, resource: 'deployments' },
  { to: '/artifacts', label: 'Artifacts', icon: FileText, resource: 'flowruns' },
  { to: '/work-queues', label: 'Work Queues', icon: Layers, resource: 'workqueues' },
  { to: '/blocks', label: 'Blocks', icon: Blocks, resource: 'blocks' },
  { to: '/notifications', label: 'Notifications', icon: Bell, resource: 'notifications' },
  { to: '/automations', label: 'Automations', icon: Bot, resource: 'automations' },
  { to: '/concurrency-limits', label: 'Concurrency Limits', icon: Gauge, resource: 'concurrencylimits' },
  { to: '/settings', label: 'Settings', icon: Cog, resource: undefined },
] as const

/** The pages whose lists the person may see; all until that is known, so that the sidebar does not jump. */
export function usePages() {
  const session = useQuery(sessionQuery)
  const known = session.data
  return PAGES.filter(({ resource }) => resource === undefined || known === undefined || allows(known, 'list', resource))
}

export function Shell() {
  const [menu, setMenu] = useState(false)
  const [palette, setPalette] = useState(false)
  const path = useRouterState({ select: (state) => state.location.pathname })
  const [signedOut, setSignedOut] = useState(false)
  const pages = usePages()
  useFollowedNamespace(useNamespace())
  useHotkeys([['mod+K', () => setPalette(true)]], [])
  useEffect(() => setMenu(false), [path])
  useEffect(() => {
    const show = () => setSignedOut(true)
    window.addEventListener(SIGNED_OUT, show)
    return () => window.removeEventListener(SIGNED_OUT, show)
  }, [])

  return (
    <div className={classes.shell}>
      <a href="#main" className={classes.skip}>
        Skip to the page
      </a>
      <header className={classes.topbar}>
        <Burger opened={menu} onClick={() => setMenu(!menu)} size="sm" aria-label={menu ? 'Close the menu' : 'Open the menu'} />
        <Link to="/" className={classes.brand}>
          <Logo /> Towpath
        </Link>
        <ActionIcon variant="subtle" color="gray" onClick={() => setPalette(true)} aria-label="Find a page or a run" ml="auto">
          <Search size={18} />
        </ActionIcon>
      </header>
      <div className={classes.sidebar} data-open={menu || undefined}>
        <Link to="/" className={classes.brand}>
          <Logo /> Towpath
        </Link>
        <UnstyledButton className={classes.find} onClick={() => setPalette(true)}>
          <Search size={15} aria-hidden /> <span>Find…</span> <Kbd size="xs">Ctrl K</Kbd>
        </UnstyledButton>
        <NamespacePicker className={classes.namespace} />
        <nav aria-label="Pages" className={classes.nav}>
          {pages.map(({ to, label, icon: Icon }) => (
            <Link key={to} to={to} className={classes.item} activeOptions={{ exact: to === '/', includeSearch: false }}>
              <Icon size={17} strokeWidth={1.9} aria-hidden /> {label}
            </Link>
          ))}
        </nav>
        <Foot />
      </div>
      <main id="main" className={classes.main} tabIndex={-1}>
        <ConnectionBar />
        {signedOut ? <SignIn onDone={() => setSignedOut(false)} /> : <Outlet />}
      </main>
      {palette && (
        <Suspense>
          <CommandPalette onClose={() => setPalette(false)} />
        </Suspense>
      )}
    </div>
  )
}

function Foot() {
  const version = useQuery(versionQuery)
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  const next = scheme === 'dark' ? 'light' : 'dark'
  return (
    <div className={classes.foot}>
      <span className="muted numbers">{version.data === undefined ? '' : `Version ${version.data.version}`}</span>
      <Tooltip label={`Show ${next} colours`}>
        <ActionIcon variant="subtle" color="gray" onClick={() => setColorScheme(next)} aria-label={`Show ${next} colours`}>
          {scheme === 'dark' ? <Sun size={17} /> : <Moon size={17} />}
        </ActionIcon>
      </Tooltip>
    </div>
  )
}

function ConnectionBar() {
  const connection = useConnection()
  if (connection !== 'lost') return null
  return (
    <div className={classes.lost} role="status">
      The server does not answer. What you see is what it said last; this page keeps trying.
    </div>
  )
}
