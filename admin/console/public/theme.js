// Before anything is drawn: the chosen theme and density, or the system's (src/ui/theme.ts). A file of its own, as CSP allows no inline code.
(function () {
  try {
    var root = document.documentElement, theme = localStorage.getItem("perigee.theme"), density = localStorage.getItem("perigee.density");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    if (density === "compact") root.dataset.density = density;
  } catch (e) { /* no storage: the system's theme */ }
})();
