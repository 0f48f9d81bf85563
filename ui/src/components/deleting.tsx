/** Taking declared things away, with a way back while the word on it shows. */
import { Button, Group } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'

import { type Deletable, type DeletableKind, deleteDeclared } from '../api/declared'
import { tell, tellError } from './cancelling'

export function useDelete(kind: DeletableKind) {
  const queries = useQueryClient()
  const refresh = () => queries.invalidateQueries({ queryKey: [kind] })
  return useMutation({
    mutationFn: (item: Deletable) => deleteDeclared(kind, item),
    onSuccess: (undo, item) => {
      void refresh()
      const id = notifications.show({
        withBorder: true,
        autoClose: 12_000,
        color: 'canal',
        message: (
          <Group justify="space-between" wrap="nowrap" gap={12}>
            <span className="wrap">{item.name} was deleted.</span>
            <Button
              size="compact-sm"
              variant="default"
              style={{ flex: 'none' }}
              onClick={() => {
                notifications.hide(id)
                undo().then(() => {
                  tell(`${item.name} is back.`)
                  return refresh()
                }, tellError(`${item.name} could not be put back.`))
              }}
            >
              Undo
            </Button>
          </Group>
        ),
      })
    },
    onError: tellError('It was not deleted.'),
  })
}
