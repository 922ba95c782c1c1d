/** Drawn signs; what they mean is said beside them in words. */
const PATHS = {
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.6-4 3-6 6.5-6s5.9 2 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.2M18 14.5c2 .9 3.2 2.7 3.5 5.5",
  tasks: "M4 6l1.5 1.5L8 5M4 12l1.5 1.5L8 11M4 18l1.5 1.5L8 17M11.5 6.5H20M11.5 12.5H20M11.5 18.5H20",
  system: "M3 12h4l2.5-7 4.5 14 2.5-7H21",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM20 20l-4.7-4.7",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v11H9zM6 15H5V4h10v2",
  upload: "M12 16V5M7.5 9L12 4.5 16.5 9M5 19.5h14",
  download: "M12 4.5v11M7.5 11.5L12 16l4.5-4.5M5 19.5h14",
  back: "M14.5 6L8.5 12l6 6",
  help: "M9 9.2a3 3 0 1 1 4.2 2.8c-.8.4-1.2 1-1.2 2M12 17.5v.01",
  theme: "M12 3.5a8.5 8.5 0 1 0 0 17zM12 3.5a8.5 8.5 0 0 1 0 17",
  leave: "M10 4H5v16h5M15 8l4 4-4 4M19 12H9.5",
  crop: "M7 3v14h14M3 7h14v14",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7",
  check: "M5 12.5l4.5 4.5L19 7.5",
  warn: "M12 4L2.8 19.5h18.4zM12 10v4.5M12 17v.01",
  edit: "M5 19l1-4L16.5 4.5l3 3L9 18z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
