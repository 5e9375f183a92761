// Runs before the first paint, so that a chosen theme never flashes the other one.
(() => {
  "use strict";
  try {
    const theme = localStorage.getItem("relief.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch { /* storage is switched off: the device decides */ }
})();
