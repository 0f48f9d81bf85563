/** The page for an address that leads nowhere. */
import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Signpost } from 'lucide-react'

import { EmptyState } from './Notices'

export function NotFound() {
  return (
    <EmptyState icon={Signpost} title="This address leads nowhere">
      <p>The page may have moved, or the address was cut short when it was copied.</p>
      <Button component={Link} to="/" variant="default">
        To the dashboard
      </Button>
    </EmptyState>
  )
}
