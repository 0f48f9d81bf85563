/** Values as JSON: parameters, details, results. Shown as text, so nothing in them is ever run. */
import { Snippet } from './Copy'

export function Json({ value, what }: { value: unknown; what: string }) {
  return <Snippet text={JSON.stringify(value, null, 2)} what={what} />
}
