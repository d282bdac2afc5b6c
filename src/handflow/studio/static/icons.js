// Line drawings on a field of 24 × 24, made here so that the page needs no other file.

const PATHS = {
  camera: "M3 8h4l2-3h6l2 3h4v11H3zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z",
  hand: "M8 12V5.500a1.5 1.5 0 0 1 3 0V11M11 10V4.500a1.5 1.5 0 0 1 3 0V11M14 11V6.500a1.5 1.5 0 0 1 3 0V14c0 4-2 7-6 7-3 0-4.5-1.5-6-4l-2-3.500a1.5 1.5 0 0 1 2.5-1.600L8 14",
  learn: "M12 3 2 8l10 5 10-5zM6 10.500V16c2 2 10 2 12 0v-5.500M22 8v6",
  play: "M7 4.500v15l12-7.500z",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.700-5.700L12 7M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.700 5.700L12 17",
  box: "M12 3l8 4.500v9L12 21l-8-4.500v-9zM4 7.500l8 4.5 8-4.500M12 12v9",
  film: "M4 5h16v14H4zM8 5v14M16 5v14M4 9.500h4M4 14.500h4M16 9.500h4M16 14.500h4",
  plus: "M12 5v14M5 12h14",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  undo: "M9 7 4 12l5 5M4 12h10a6 6 0 0 1 6 6",
  check: "M5 12.5 10 17.5 19.5 7",
  warning: "M12 4 2.5 20h19zM12 10v5M12 17.500v.5",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v5.500M12 7.500V8",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2",
  moon: "M20 14A8.5 8.5 0 0 1 10 4a8.5 8.5 0 1 0 10 10z",
  auto: "M3 4.500h18v12H3zM8.5 20.500h7M12 16.500v4",
  globe: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
  keyboard: "M3 7h18v11H3zM6.5 10.500h.5M10 10.500h.5M13.5 10.500h.5M17 10.500h.5M7 14.500h10",
  mouse: "M12 3a6 6 0 0 0-6 6v6a6 6 0 0 0 12 0V9a6 6 0 0 0-6-6zM12 7v3",
  terminal: "M3 5h18v14H3zM7 9.500l3 2.5-3 2.500M12 15h5",
  send: "M3 12 21 4l-6 17-3.5-6.500zM21 4l-9.5 10.5",
  house: "M4 11.5 12 4l8 7.500M6 10v10h12V10M10 20v-6h4v6",
  sliders: "M5 4v6M5 14v6M12 4v2M12 10v10M19 4v9M19 17v3M3 12h4M10 8h4M17 15h4",
  music: "M9 18V5l11-2v13M9 18a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0zM20 16a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z",
  speech: "M4 5h16v11h-9l-4 4v-4H4zM8 9h8M8 12h5",
  speaker: "M4 9v6h4l5 4V5L8 9zM16.5 9a4 4 0 0 1 0 6M19 6.500a8 8 0 0 1 0 11",
  layers: "M12 3l9 5-9 5-9-5zM3 12.500l9 5 9-5M3 16.500l9 5 9-5",
  code: "M8 7l-5 5 5 5M16 7l5 5-5 5M13.5 5l-3 14",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  download: "M12 4v11M7.5 11 12 15.5 16.5 11M4 20h16",
  upload: "M12 16V5M7.5 9 12 4.5 16.5 9M4 20h16",
  close: "M6 6l12 12M18 6 6 18",
  refresh: "M20 5v5h-5M4 19v-5h5M19 10a7.5 7.5 0 0 0-13-3M5 14a7.5 7.5 0 0 0 13 3",
  right: "M5 12h14M13 6l6 6-6 6",
  left: "M19 12H5M11 6l-6 6 6 6",
  pencil: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  gauge: "M4 18a9 9 0 1 1 16 0M12 14l4-5",
  rest: "M4 17h16M6 17c0-4 3-7 6-7s6 3 6 7M12 6v.5M5 8l.5.5M19 8l-.5.5",
};
const FILLED = { record: "M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14z", stop: "M6 6h12v12H6z" };

/** The drawing of that name; the words beside it say what it means, so that it is hidden from screen readers. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  drawing.setAttribute("class", name in FILLED ? "icon filled" : "icon");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name] ?? FILLED[name]);
  drawing.append(path);
  return drawing;
}
