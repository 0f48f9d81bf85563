/** Taking declared things away, with a way back while the word on it shows. */
import { useMutation, useQueryClient } from '@tanstack/react-query'

import { type Deletable, type DeletableKind, deleteDeclared } from '../api/declared'
import { tell, tellError } from './cancelling'
import { tellWithUndo } from './undoing'

export function useDelete(kind: DeletableKind) {
  const queries = useQueryClient()
  const refresh = () => queries.invalidateQueries({ queryKey: [kind] })
  return useMutation({
    mutationFn: (item: Deletable) => deleteDeclared(kind, item),
    onSuccess: (undo, item) => {
      void refresh()
      if (undo === undefined) tell(`${item.name} was deleted.`)
      else tellWithUndo(`${item.name} was deleted.`, () => undo().then(refresh), `${item.name} is back.`)
    },
    onError: tellError('It was not deleted.'),
  })
}
