/** Parts of the page that load when they are needed. Used by the router and by what opens dialogs. */

/**
 * The part, once it is there. One that could not be loaded comes as undefined, because `main` is renewing the page: then this waits,
 * so that nothing fails on the page that is left.
 */
export function part<T>(loading: Promise<T | undefined>): Promise<T> {
  return loading.then((module) => module ?? new Promise<T>(() => undefined))
}
