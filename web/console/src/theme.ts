import {
  type ActionIconProps,
  type ButtonProps,
  createTheme,
  type MantineColorsTuple,
  type MenuProps,
  type ModalProps,
  type NotificationProps,
  type SegmentedControlProps,
  type TooltipProps,
} from "@mantine/core";

// From white to black with a little blue in it: pages, borders and text of both schemes.
const slate: MantineColorsTuple = [
  "#e9ebef",
  "#c9cdd6",
  "#a0a6b3",
  "#7a8190",
  "#30343c",
  "#25282f",
  "#16181c",
  "#0d0e11",
  "#0a0b0d",
  "#08090a",
];

const indigo: MantineColorsTuple = [
  "#eef0ff",
  "#dde0fd",
  "#b9bff7",
  "#959ef3",
  "#7782ee",
  "#5f6be6",
  "#4a55d6",
  "#3e48bb",
  "#343c9c",
  "#2a307c",
];

// Mantine's own bears no white text.
const red: MantineColorsTuple = [
  "#fdf0ef",
  "#f9dcda",
  "#f2b5b1",
  "#eb8b86",
  "#e46660",
  "#db4a45",
  "#d02c2c",
  "#b32323",
  "#8f1b1b",
  "#6d1414",
];

/** Mantine in our hand: dense, quiet, one accent. What CSS alone decides is in theme.css. */
export const theme = createTheme({
  primaryColor: "indigo",
  // White on it is read in both schemes.
  primaryShade: 6,
  colors: { indigo, red, dark: slate },
  fontFamily: "'Inter Variable', ui-sans-serif, system-ui, 'Segoe UI', sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace",
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
  headings: { fontWeight: "600", sizes: { h1: { fontSize: "1.125rem" }, h2: { fontSize: "0.9375rem" } } },
  defaultRadius: "sm",
  radius: { xs: "4px", sm: "6px", md: "8px", lg: "12px", xl: "16px" },
  cursorType: "pointer",
  respectReducedMotion: true,
  focusClassName: "focus-ring",
  // By their names: `Modal.extend` would load a component long before it is shown.
  components: {
    Button: { defaultProps: { size: "xs" } satisfies Partial<ButtonProps> },
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray" } satisfies Partial<ActionIconProps> },
    Modal: {
      defaultProps: {
        centered: true,
        transitionProps: { duration: 100 },
        closeButtonProps: { "aria-label": "Close" },
      } satisfies Partial<ModalProps>,
    },
    Notification: {
      defaultProps: { closeButtonProps: { "aria-label": "Close" } } satisfies Partial<NotificationProps>,
    },
    // What would take the focus first is nothing that a menu may hold.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } satisfies Partial<MenuProps> },
    SegmentedControl: {
      defaultProps: { size: "xs", withItemsBorders: false } satisfies Partial<Omit<SegmentedControlProps, "data">>,
    },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true, fz: "xs" } satisfies Partial<TooltipProps> },
  },
});
