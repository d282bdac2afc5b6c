// Before the first paint, so that a dark page does not flash white. "auto" follows the system.
{
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const paint = () => {
    root.dataset.chosen = localStorage.getItem("handflow.theme") || "auto";
    root.dataset.theme = root.dataset.chosen === "auto" ? (system.matches ? "dark" : "light") : root.dataset.chosen;
  };
  system.addEventListener("change", paint);
  addEventListener("theme", paint);
  paint();
}
