/** Starts the page. */
import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import './styles/base.css'
import './styles/states.css'

import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import { ApiError } from './api/client'
import { followChanges } from './api/live'
import { createAppRouter } from './router'
import { theme } from './theme'

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      // A refusal stays one however often it is asked; only what may pass is asked again.
      retry: (count, error) => count < 3 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
      retryDelay: (count) => Math.min(500 * 2 ** count, 5_000),
    },
  },
})
const router = createAppRouter(queries)
followChanges(queries)

// Parts of a page that a newer server no longer has, or that a network which changed did not bring: the page begins anew, with its
// parts. A few times in a minute at most, so that it never goes round.
const RENEWED = 'towpath.renewed'
const MOST_RENEWED = 3
window.addEventListener('vite:preloadError', (event) => {
  const recent = (sessionStorage.getItem(RENEWED) ?? '').split(' ').filter((time) => Date.now() - Number(time) < 60_000)
  if (recent.length >= MOST_RENEWED) return
  event.preventDefault()
  sessionStorage.setItem(RENEWED, [...recent, Date.now()].join(' '))
  window.location.reload()
})

const root = document.getElementById('root')
if (root === null) throw new Error('The page has no element with the id root.')
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" limit={4} />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
