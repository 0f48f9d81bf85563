/** The look of Mantine's components. Colours of states are in styles/states.css. */
import { createTheme, type MantineColorsTuple } from '@mantine/core'

const canal: MantineColorsTuple = [
  '#e6f6f5',
  '#d3eae9',
  '#a6d5d2',
  '#76bebb',
  '#4faba7',
  '#2e9793',
  '#147a77',
  '#0b6866',
  '#075755',
  '#034543',
]

// Mantine's own dark greys are neutral; these lean to the water, as the pages around them do.
const dark: MantineColorsTuple = [
  '#d3dade',
  '#adb8bf',
  '#8b98a1',
  '#6c7982',
  '#3b474f',
  '#303b43',
  '#263037',
  '#1b2126',
  '#13181c',
  '#0d1114',
]

export const theme = createTheme({
  primaryColor: 'canal',
  primaryShade: { light: 7, dark: 6 },
  colors: { canal, dark },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '650' },
  defaultRadius: 'md',
  cursorType: 'pointer',
})
