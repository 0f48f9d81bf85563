/** A word on what was done, with a way back while it shows. */
import { Button, Group } from '@mantine/core'
import { notifications } from '@mantine/notifications'

import { tell, tellError } from './cancelling'

const SHOWN_MS = 12_000

/**
 * @param undo puts back what was changed.
 * @param back what is said once it is back.
 */
export function tellWithUndo(message: string, undo: () => Promise<unknown>, back: string): void {
  const id = notifications.show({
    withBorder: true,
    autoClose: SHOWN_MS,
    color: 'canal',
    message: (
      <Group justify="space-between" wrap="nowrap" gap={12}>
        <span className="wrap">{message}</span>
        <Button
          size="compact-sm"
          variant="default"
          style={{ flex: 'none' }}
          onClick={() => {
            notifications.hide(id)
            undo().then(() => tell(back), tellError('It could not be put back.'))
          }}
        >
          Undo
        </Button>
      </Group>
    ),
  })
}
