/**
 * The one client of the API. Every module in `api/` asks through it; pages never call fetch themselves.
 * Refusals come as RFC 9457 problems and are thrown as `ApiError`.
 */
import createClient, { type Middleware } from 'openapi-fetch'

import type { components, paths } from './schema'

export type Schemas = components['schemas']
export type Problem = Schemas['Problem']

/** What the API refused or could not do, or that it could not be reached (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly errors: { field: string; message: string }[] = [],
  ) {
    super(detail)
    this.name = 'ApiError'
  }
}

export const SIGNED_OUT = 'towpath:signed-out'
const PROOF_HEADER = 'X-Towpath-CSRF'

let proof: string | undefined

/** Keeps the proof that what changes something comes from these pages; undefined where the server asks for none. */
export function keepProof(given: string | undefined): void {
  proof = given
}

const authenticate: Middleware = {
  onRequest({ request }) {
    if (proof !== undefined && request.method !== 'GET') request.headers.set(PROOF_HEADER, proof)
    return request
  },
  onResponse({ response }) {
    if (response.status === 401) window.dispatchEvent(new Event(SIGNED_OUT))
  },
}

export const client = createClient<paths>({
  baseUrl: typeof window === 'undefined' ? 'http://localhost' : window.location.origin,
  // Repeated keys, as FastAPI reads lists.
  querySerializer: { array: { style: 'form', explode: true } },
})
client.use(authenticate)

/** The data of an answer. Throws `ApiError` for a refusal, a failure, and when the server cannot be reached. */
export async function ask<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let answer: { data?: T; error?: unknown; response: Response }
  try {
    answer = await asked
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiError(0, 'unreachable', 'The server does not answer. It may be restarting; this page keeps trying.')
  }
  if (!answer.response.ok) throw toError(answer.response, answer.error)
  return answer.data as T
}

function toError(response: Response, body: unknown): ApiError {
  if (typeof body === 'object' && body !== null && 'detail' in body && typeof body.detail === 'string') {
    const problem = body as Problem
    return new ApiError(response.status, problem.code, problem.detail, problem.errors)
  }
  return new ApiError(response.status, 'unknown', `The server answered ${response.status} ${response.statusText}.`)
}
