/** Wall clocks of time zones: what a clock shows there, and when one shows it. Pure. */

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(zone, format)
  }
  return format
}

/**
 * What the clock of `zone` shows at `time`, as if its digits were UTC; both in milliseconds.
 *
 * @throws RangeError when the zone is not known.
 */
export function wallOf(time: number, zone: string): number {
  const parts: Record<string, number> = {}
  for (const { type, value } of formatOf(zone).formatToParts(time)) parts[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((time % 1000) + 1000) % 1000)
}

/** When the clock of `zone` shows `wall`: the first of two times, and for a gap the time that it would have been before it. */
export function instantOf(wall: number, zone: string): number {
  const before = wall - (wallOf(wall - 86_400_000, zone) - (wall - 86_400_000))
  if (wallOf(before, zone) === wall) return before
  const after = wall - (wallOf(wall + 86_400_000, zone) - (wall + 86_400_000))
  return wallOf(after, zone) === wall ? after : before
}

/** The time zone of the person who looks. */
export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

/** Every time zone that the browser knows by name, and UTC. */
export function knownZones(): string[] {
  return [...new Set(['UTC', ownZone(), ...Intl.supportedValuesOf('timeZone')])]
}
