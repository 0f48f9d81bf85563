/** A uPlot chart in its place: made anew when its data, its width or the theme changes. */
import 'uplot/dist/uPlot.min.css'

import { useComputedColorScheme } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'

interface Props {
  /** The options for a width; `color` reads a CSS variable as the theme has it now. */
  options: (width: number, color: (variable: string) => string) => uPlot.Options
  data: uPlot.AlignedData
  height: number
  label: string
}

export function Chart({ options, data, height, label }: Props) {
  const scheme = useComputedColorScheme('light')
  const { ref: measure, width } = useElementSize()
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (place.current === null || width === 0) return
    const style = getComputedStyle(place.current)
    const chart = new uPlot(options(width, (variable) => style.getPropertyValue(variable).trim()), data, place.current)
    return () => chart.destroy()
  }, [options, data, width, scheme])
  return (
    <div ref={measure} style={{ height, overflow: 'hidden' }} role="img" aria-label={label}>
      <div ref={place} />
    </div>
  )
}
