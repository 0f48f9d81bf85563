/** Says of a declared thing that a resource declares it, so that what is changed here goes there. Nothing where it has none. */
import { Text } from '@mantine/core'

import type { WorkQueue } from '../api/types'

export function WrittenTo({ item }: { item?: Pick<WorkQueue, 'namespace' | 'resource'> }) {
  if (item?.resource == null) return null
  return (
    <Text size="sm" c="dimmed" className="wrap">
      It is the resource {item.resource.name} in the namespace {item.namespace}: what you change here is written to it.
    </Text>
  )
}
