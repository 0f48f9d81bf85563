/** A short form in a dialog: its fields, what the server says against them, and one button that sends it. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { FormEvent, ReactNode } from 'react'

import type { WorkQueue } from '../api/types'
import { tell } from './cancelling'
import { WrittenTo } from './WrittenTo'

interface Props {
  title: string
  button: string
  /** Sends what was typed; throws what the server refused. The text it gives is said when it worked. */
  send: () => Promise<string>
  /** The query key that holds what changed. */
  changes: readonly string[]
  /** The declared thing that is changed; nothing for a new one. */
  of?: Pick<WorkQueue, 'namespace' | 'resource'>
  onClose: () => void
  /** The dialog's width. */
  size?: 'md' | 'lg' | 'xl'
  children: ReactNode
}

export function SmallForm({ title, button, send, changes, of, onClose, size = 'md', children }: Props) {
  const queries = useQueryClient()
  const sending = useMutation({
    mutationFn: send,
    onSuccess: (said) => {
      tell(said)
      void queries.invalidateQueries({ queryKey: changes })
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    sending.mutate()
  }
  return (
    <Modal opened onClose={onClose} size={size} title={<strong>{title}</strong>} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={submit}>
        <Stack gap="md">
          <WrittenTo item={of} />
          {children}
          {sending.isError && (
            <Text size="sm" role="alert" style={{ color: 'var(--state-failed-text)', overflowWrap: 'anywhere' }}>
              {sending.error.message}
            </Text>
          )}
          <Group justify="flex-end" gap={8}>
            <Button variant="default" onClick={onClose}>
              Close
            </Button>
            <Button type="submit" loading={sending.isPending}>
              {button}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
